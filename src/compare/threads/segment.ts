import type { DumpStep } from '../../dumps/types.js'
import type { PairSettings } from '../measure-pair.js'

/** One step that both sides hold. */
export interface WholePair {
  readonly golden: DumpStep
  readonly dump: DumpStep
}

/**
 * A run of pairs that several threads measure together. The memory is shared: written once, but for `control`. Each segment
 * has memory of its own, so that a thread that comes late to an old one disturbs none.
 */
export interface Segment {
  readonly id: number
  /** The next pair to claim, and the number of reports so far, on which the main thread waits. */
  readonly control: Int32Array<SharedArrayBuffer>
  /** Every pair as JSON in UTF-8, and where each ends. */
  readonly text: Uint8Array<SharedArrayBuffer>
  readonly ends: Int32Array<SharedArrayBuffer>
  readonly threads: number
  /** How many pairs may be claimed at a time. */
  readonly batch: number
  readonly settings: PairSettings
}

/** Pairs from the first up to, but not including, the last. */
export interface Claim {
  readonly first: number
  readonly last: number
}

const NEXT = 0
const REPORTS = 1

/** @returns undefined where a pair is more than text, which one thread alone can measure */
export function makeSegment(
  pairs: readonly WholePair[],
  details: Pick<Segment, 'id' | 'threads' | 'batch' | 'settings'>,
): Segment | undefined {
  const texts: Buffer[] = []
  const ends = new Int32Array(new SharedArrayBuffer(4 * pairs.length))
  let size = 0
  for (const [i, { golden, dump }] of pairs.entries()) {
    if (!isText(golden) || !isText(dump)) return undefined
    const text = Buffer.from(JSON.stringify([carried(golden), carried(dump)]))
    texts.push(text)
    size += text.length
    ends[i] = size
  }
  const text = new Uint8Array(new SharedArrayBuffer(size))
  texts.forEach((bytes, i) => {
    text.set(bytes, ends[i]! - bytes.length)
  })
  return { ...details, control: new Int32Array(new SharedArrayBuffer(8)), text, ends }
}

function isText({ files }: DumpStep): boolean {
  return files.every((file) => typeof file === 'string')
}

/** Every field of a step by its name: one that is new does not compile before it is thought of here. */
function carried({ step, files, layer, problem, ...others }: DumpStep): DumpStep {
  others satisfies Record<string, never>
  return { step, files, layer, ...(problem !== undefined && { problem }) }
}

export function pairAt({ text, ends }: Segment, index: number): WholePair {
  const start = index === 0 ? 0 : ends[index - 1]!
  const bytes = Buffer.from(text.buffer, start, ends[index]! - start)
  const [golden, dump] = JSON.parse(bytes.toString()) as [DumpStep, DumpStep]
  return { golden, dump }
}

/** Takes the next pairs for this thread alone: fewer at a time towards the end, so that all threads end together. */
export function claim({ control, ends, threads, batch }: Segment): Claim | undefined {
  const left = ends.length - Atomics.load(control, NEXT)
  const size = Math.max(1, Math.min(batch, Math.floor(left / (4 * threads))))
  const first = Atomics.add(control, NEXT, size)
  return first < ends.length ? { first, last: Math.min(first + size, ends.length) } : undefined
}

/** Leaves nothing to claim. */
export function close({ control, ends }: Segment): void {
  Atomics.store(control, NEXT, ends.length)
}

/** Wakes the main thread, which looks at what has come and who is still at work. */
export function report({ control }: Segment): void {
  Atomics.add(control, REPORTS, 1)
  Atomics.notify(control, REPORTS)
}

export function reports({ control }: Segment): number {
  return Atomics.load(control, REPORTS)
}

/** Sleeps until there are more reports than were `seen`, at most so many milliseconds. False where none came. */
export function awaitReport({ control }: Segment, seen: number, milliseconds: number): boolean {
  return Atomics.wait(control, REPORTS, seen, milliseconds) !== 'timed-out'
}
