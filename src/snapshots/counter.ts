/** Which test a golden belongs to, as the runner tells it. */
export interface CountedTest {
  readonly file: string
  readonly name: string
  /** The runner's own object of the test, the same over its retries; absent where the runner shows none. */
  readonly owner?: object | undefined
  /** From 1; a retry or repetition counts on. */
  readonly attempt: number
}

interface Entry {
  owner: object | undefined
  attempt: number
  count: number
}

/** Numbers the goldens of each attempt of a test from 1: a retry finds those of the attempt before it. */
export class GoldenCounter {
  /** By the runner's object of the test file, else by name: a run of the file in watch mode begins anew. */
  private readonly files = new WeakMap<object, Map<string, Entry>>()
  private readonly named = new Map<string, Entry>()

  /**
   * @param run the runner's object of this run of the test file
   * @returns `'taken'` where another test of the same name in the same file has goldens already
   */
  next(test: CountedTest, run: object | undefined): number | 'taken' {
    const entries = run ? this.entriesOf(run) : this.named
    const key = `${test.file}\n${test.name}`
    const entry = entries.get(key)
    if (entry && entry.owner !== test.owner) return 'taken'
    if (entry?.attempt === test.attempt) return ++entry.count
    entries.set(key, { owner: test.owner, attempt: test.attempt, count: 1 })
    return 1
  }

  private entriesOf(run: object): Map<string, Entry> {
    const entries = this.files.get(run) ?? new Map<string, Entry>()
    this.files.set(run, entries)
    return entries
  }
}
