import type { DumpStep } from '../../dumps/types.js'
import type { List } from '../../lib/lazy-list.js'
import type { OptionalKey } from '../../metrics/optional/table.js'
import { RECORD_BYTES, type RecordMemory, recordMemory } from '../record.js'
import type { WholePair } from '../step-pair.js'

/** What threads read pairs from and write records to. One batch after the other uses it: V8 frees shared memory late. */
export interface BatchMemory {
  /** A record for each pair. Threads write those that they have claimed. */
  readonly records: RecordMemory
  /** The files of every pair in UTF-16, which holds any text as it is. */
  readonly text: Uint8Array<SharedArrayBuffer>
  /** The bytes of text up to the end of each pair. */
  readonly ends: Int32Array<SharedArrayBuffer>
}

// No file name holds a NUL, and none is empty.
const FILE_END = '\0'
const SIDE_END = '\0\0'

/**
 * Memory with these pairs in it: the given memory, if they fit. No pair is kept.
 * @param keys the same keys as in the given memory
 */
export function filledMemory(
  pairs: List<WholePair>,
  memory: BatchMemory | undefined,
  keys: readonly OptionalKey[] = [],
): BatchMemory {
  const reused = memory && memory.ends.length >= pairs.length ? memory : undefined
  const { records, ends } = reused ?? newMemory(pairs.length, keys)
  let text = reused?.text ?? new Uint8Array(new SharedArrayBuffer(0))
  let buffer = Buffer.from(text.buffer)
  let end = 0
  for (let i = 0; i < pairs.length; i++) {
    const names = pairText(pairs.at(i)!)
    const next = end + 2 * names.length
    if (next > text.length) {
      text = longer(text, next, pairs.length / (i + 1))
      buffer = Buffer.from(text.buffer)
    }
    buffer.write(names, end, 'utf16le')
    ends[i] = next
    end = next
  }
  return reused && text === reused.text ? reused : { records, text, ends }
}

function newMemory(pairs: number, keys: readonly OptionalKey[]): Pick<BatchMemory, 'records' | 'ends'> {
  return {
    records: recordMemory(new SharedArrayBuffer(pairs * RECORD_BYTES), keys),
    ends: new Int32Array(new SharedArrayBuffer(4 * pairs)),
  }
}

/** The same text with room for `times` times `bytes`, and a quarter more: the next pairs may have longer names. */
function longer(text: Uint8Array<SharedArrayBuffer>, bytes: number, times: number): Uint8Array<SharedArrayBuffer> {
  const room = new Uint8Array(new SharedArrayBuffer(Math.ceil(1.25 * times * bytes)))
  room.set(text)
  return room
}

/** The files of both sides, and their positions if any; `''` if a pair has a problem besides: the main thread measures it. */
function pairText({ golden, dump }: WholePair): string {
  if (golden.problem !== undefined || dump.problem !== undefined) return ''
  const files = golden.files.join(FILE_END) + SIDE_END + dump.files.join(FILE_END)
  if (golden.position === undefined && dump.position === undefined) return files
  return files + SIDE_END + (golden.position ?? '') + SIDE_END + (dump.position ?? '')
}

/** The files of one pair, as steps; undefined if the main thread is to measure it. */
export function pairIn({ text, ends }: BatchMemory, index: number): WholePair | undefined {
  const start = index === 0 ? 0 : ends[index - 1]!
  if (ends[index] === start) return undefined
  const names = Buffer.from(text.buffer, start, ends[index]! - start).toString('utf16le')
  const [golden, dump, goldenPosition, dumpPosition] = names.split(SIDE_END) as [string, string, string?, string?]
  return { golden: stepOf(index, golden, goldenPosition), dump: stepOf(index, dump, dumpPosition) }
}

/** Workers know a step by its index in the batch, and need no layer. */
function stepOf(index: number, files: string, position = ''): DumpStep {
  const step = { step: index, files: files === '' ? [] : files.split(FILE_END), layer: '' }
  return position === '' ? step : { ...step, position: Number(position) }
}
