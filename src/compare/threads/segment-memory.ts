import type { DumpStep } from '../../dumps/types.js'
import type { List } from '../../lib/lazy-list.js'
import { ROW_BYTES, type RowMemory, rowMemory } from '../rows/row-memory.js'
import type { WholePair } from './segment.js'

/** What threads read pairs from and write rows to. It is used for one segment after the other: V8 frees shared memory late. */
export interface SegmentMemory {
  /** A row for each pair. Threads write those that they have claimed. */
  readonly rows: RowMemory
  /** The files of every pair in UTF-16, which holds any text as it is. */
  readonly text: Uint8Array<SharedArrayBuffer>
  /** The bytes of text up to the end of each pair. */
  readonly ends: Int32Array<SharedArrayBuffer>
}

// No file name holds a NUL, and none is empty.
const FILE_END = '\0'
const SIDE_END = '\0\0'

/** Memory with these pairs in it: what there is, where they have room in it. No pair is kept. */
export function filledMemory(pairs: List<WholePair>, memory: SegmentMemory | undefined): SegmentMemory {
  const reused = memory && memory.ends.length >= pairs.length ? memory : undefined
  const { rows, ends } = reused ?? newMemory(pairs.length)
  let text = reused?.text ?? new Uint8Array(new SharedArrayBuffer(0))
  let buffer = Buffer.from(text.buffer)
  let end = 0
  for (let i = 0; i < pairs.length; i++) {
    const own = pairText(pairs.at(i)!)
    const next = end + 2 * own.length
    if (next > text.length) {
      text = longer(text, next, pairs.length / (i + 1))
      buffer = Buffer.from(text.buffer)
    }
    buffer.write(own, end, 'utf16le')
    ends[i] = next
    end = next
  }
  return reused && text === reused.text ? reused : { rows, text, ends }
}

function newMemory(pairs: number): Pick<SegmentMemory, 'rows' | 'ends'> {
  return {
    rows: rowMemory(new SharedArrayBuffer(pairs * ROW_BYTES)),
    ends: new Int32Array(new SharedArrayBuffer(4 * pairs)),
  }
}

/** The same text with room for so many times as many bytes as it is to hold now, and more: the next pairs may have longer names. */
function longer(text: Uint8Array<SharedArrayBuffer>, bytes: number, times: number): Uint8Array<SharedArrayBuffer> {
  const room = new Uint8Array(new SharedArrayBuffer(Math.ceil(1.25 * times * bytes)))
  room.set(text)
  return room
}

/** The files of both sides; `''` where there is more to a pair than files: it is left to the main thread. */
function pairText({ golden, dump }: WholePair): string {
  if (golden.problem !== undefined || dump.problem !== undefined) return ''
  return golden.files.join(FILE_END) + SIDE_END + dump.files.join(FILE_END)
}

/** The files of one pair, as steps; undefined where the main thread is to measure it. */
export function pairIn({ text, ends }: SegmentMemory, index: number): WholePair | undefined {
  const start = index === 0 ? 0 : ends[index - 1]!
  if (ends[index] === start) return undefined
  const own = Buffer.from(text.buffer, start, ends[index]! - start).toString('utf16le')
  const [golden, dump] = own.split(SIDE_END) as [string, string]
  return { golden: stepOf(golden), dump: stepOf(dump) }
}

/** Step and layer are not told to workers: a row does not depend on them. */
function stepOf(files: string): DumpStep {
  return { step: 0, files: files === '' ? [] : files.split(FILE_END), layer: '' }
}
