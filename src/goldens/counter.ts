/** Numbers the goldens of each attempt of a test from 1: a retry finds those of the attempt before it. */
export class GoldenCounter {
  private readonly byTest = new Map<string, { attempt: unknown; count: number }>()

  /** @param attempt whatever differs from one attempt of the test to the next */
  next(test: string, attempt: unknown): number {
    let entry = this.byTest.get(test)
    if (entry?.attempt !== attempt) {
      entry = { attempt, count: 0 }
      this.byTest.set(test, entry)
    }
    return ++entry!.count
  }
}
