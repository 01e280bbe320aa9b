/**
 * Items that several threads work on together. Which thread may take which item is decided in memory of this work alone, so
 * that a thread that comes late to old work finds nothing to claim and disturbs none.
 */
export interface SharedWork {
  readonly id: number
  /** Number of items. */
  readonly length: number
  /** The next item to claim, and the number of reports so far, on which the main thread waits. */
  readonly control: Int32Array<SharedArrayBuffer>
  readonly threads: number
  /** How many items may be claimed at a time. */
  readonly mostClaimed: number
}

/** What is decided of shared work before its items are. */
export type WorkTerms = Pick<SharedWork, 'id' | 'threads' | 'mostClaimed'>

const NEXT = 0
const REPORTS = 1

export function makeWork(length: number, terms: WorkTerms): SharedWork {
  return { ...terms, length, control: new Int32Array(new SharedArrayBuffer(8)) }
}

/**
 * Takes the next items for this thread alone: fewer at a time towards the end, so that all threads end together.
 * @returns items from `first` up to, but not including, `last`; undefined if none are left
 */
export function claim(work: SharedWork): { readonly first: number; readonly last: number } | undefined {
  const { control, length, threads, mostClaimed } = work
  const left = length - Atomics.load(control, NEXT)
  const size = Math.max(1, Math.min(mostClaimed, Math.floor(left / (4 * threads))))
  const first = Atomics.add(control, NEXT, size)
  return first < length ? { first, last: Math.min(first + size, length) } : undefined
}

/** Leaves nothing to claim. */
export function close({ control, length }: SharedWork): void {
  Atomics.store(control, NEXT, length)
}

/** Wakes the main thread, which looks at what has come and which workers are still busy. */
export function report({ control }: SharedWork): void {
  Atomics.add(control, REPORTS, 1)
  Atomics.notify(control, REPORTS)
}

export function reports({ control }: SharedWork): number {
  return Atomics.load(control, REPORTS)
}

/** Sleeps until there are more reports than `seen`, at most that many milliseconds. @returns false if none came */
export function awaitReport({ control }: SharedWork, seen: number, milliseconds: number): boolean {
  return Atomics.wait(control, REPORTS, seen, milliseconds) !== 'timed-out'
}
