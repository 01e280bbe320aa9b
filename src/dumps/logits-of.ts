import { atCaller, describeValue } from '../errors.js'
import { checkObject, choiceOrNumber, wholeNumber } from '../lib/check-options.js'
import { counted } from '../lib/number-text.js'
import { type MemoryTensor, memoryTensor } from '../tensor/memory-tensor.js'
import { MAX_VOCABULARY } from './locate-row.js'
import { type LogitsArray, type LogitsTensor, refused, tensorOf } from './tensor-of.js'
import type { Dump } from './types.js'

export interface LogitsOptions {
  /** The shape of each array that comes without dims: `[1, vocabulary]`, `[positions, vocabulary]` … */
  dims?: readonly number[]
  /** The element type, if the array does not show it: `bfloat16` or `float16` for a `Uint16Array`, `int8`, `int32`. */
  dtype?: string
  /**
   * What the positions of a tensor are. Must be set for a single tensor that holds several.
   * - `steps`: each is a token, so that one tensor holds a run
   * - `all`: positions of one token (a prompt, speculative positions), compared with as many of the other side, as by
   *   `loadDump`
   * - `last`, or a number from 0: only this one is the token's
   */
  positions?: 'last' | 'all' | 'steps' | number
  /** Which sequence of a batch counts, from 0. */
  sequence?: number
  /** The number of the first token. Default 0. */
  firstStep?: number
}

/** What a dump of logits in memory is called in messages. */
const PATH = 'logits in memory'

/**
 * Logits in memory as a dump, which goes wherever a dump goes. Nothing is copied or read before the comparison: the arrays
 * must not be changed or freed until then.
 *
 * @param logits one row or one tensor, or a list of them: one for each token. Shapes are `[vocabulary]`,
 * `[positions, vocabulary]` or `[sequences, positions, vocabulary]`
 * @throws GoldenLogitsError `invalid-argument` for anything that is no logits, for dims that do not fit, for a tensor with
 * several positions or sequences where no option says which count, and for tokens that share their memory
 */
export function logitsOf(
  logits: LogitsArray | LogitsTensor | readonly (LogitsArray | LogitsTensor)[],
  options: LogitsOptions = {},
): Dump {
  return atCaller(logitsOf, () => memoryDump(logits, options))
}

function memoryDump(logits: unknown, options: unknown): Dump {
  const checked = checkOptions(options)
  const { positions, sequence, firstStep } = checked
  const isList = Array.isArray(logits)
  const items: readonly unknown[] = isList ? logits : [logits]
  if (items.length === 0) throw refused('the list of logits is empty')
  const tensors = items.map((item, index) => {
    // A list of numbers is a row that the caller meant.
    const name = isList && typeof item !== 'number' ? `logits[${index}]` : 'the value'
    return tensorOf(isList && typeof item === 'number' ? items : item, name, checked)
  })
  for (const [index, tensor] of tensors.entries()) {
    checkTensor(tensor, isList ? `logits[${index}]` : 'the tensor', checked, items.length === 1)
  }
  checkWidths(tensors)
  checkMemory(tensors)
  const areSteps = positions === 'steps'
  const rows = areSteps ? tensors.flatMap((tensor) => rowsOf(tensor, sequence)) : tensors
  return {
    path: PATH,
    layout: 'memory',
    named: 'folder',
    steps: rows.map((tensor, index) => ({ step: (firstStep ?? 0) + index, files: [], layer: '', tensor })),
    notes: [],
    ignored: [],
    stepsAssumed: firstStep === undefined,
    promptStep: firstStep ?? 0,
    budgets: {},
    rows: areSteps ? {} : { positions, sequence },
  }
}

function checkOptions(options: unknown): LogitsOptions {
  const names = ['dims', 'dtype', 'positions', 'sequence', 'firstStep']
  const given = checkObject<LogitsOptions>("logitsOf's options", options, names, '{ dims: [1, 32000] }')
  const { dtype, positions, sequence, firstStep } = given
  if (dtype !== undefined && typeof dtype !== 'string')
    throw refused(`dtype must be a string, got ${describeValue(dtype)}`)
  choiceOrNumber('positions', positions, ['last', 'all', 'steps'], 'the number of a position from 0')
  wholeNumber('sequence', sequence, 0)
  wholeNumber('firstStep', firstStep, 0)
  return given
}

/** The rows of a tensor that count, as far as the caller has chosen them. */
function rangeOf(shape: readonly number[], sequence: number | undefined): { first: number; count: number } {
  const rows = shape.slice(0, -1).reduce((product, size) => product * size, 1)
  if (sequence === undefined) return { first: 0, count: rows }
  const count = rows / shape[0]!
  return { first: sequence * count, count }
}

/** Refuses what would leave open which row of a tensor is the token's. */
function checkTensor(
  { shape }: MemoryTensor,
  name: string,
  { positions, sequence }: LogitsOptions,
  isAlone: boolean,
): void {
  const dims = `[${shape.join(', ')}]`
  const width = shape.at(-1)!
  if (width === 1)
    throw refused(`${name} ${dims} has one column: a row is a vocabulary, expected [positions, vocabulary]`)
  if (width > MAX_VOCABULARY) {
    throw refused(
      `${name} ${dims} has rows of ${width} columns, more than any vocabulary (${MAX_VOCABULARY}); set dims: [positions, vocabulary]`,
    )
  }
  if (sequence === undefined && shape.slice(0, -2).some((size) => size !== 1)) {
    throw refused(`${name} ${dims} is a batch of several sequences; choose one with the option sequence: 0`)
  }
  if (sequence !== undefined && (shape.length < 2 || sequence >= shape[0]!)) {
    const count = shape.length < 2 ? 1 : shape[0]
    throw refused(`the option sequence is ${sequence}, but ${name} ${dims} holds ${counted(count, 'sequence')}`)
  }
  const { count } = rangeOf(shape, sequence)
  if (typeof positions === 'number' && positions >= count) {
    throw refused(`the option positions is ${positions}, but ${name} ${dims} holds ${count}`)
  }
  if (isAlone && count > 1 && positions === undefined) {
    throw refused(
      `${name} ${dims} holds ${count} positions: say what they are, with positions: 'steps' (each is a token), 'all' (of one token, such as a prompt), 'last' or a number`,
    )
  }
}

function checkWidths(tensors: readonly MemoryTensor[]): void {
  const width = tensors[0]!.shape.at(-1)
  const other = tensors.findIndex(({ shape }) => shape.at(-1) !== width)
  if (other < 0) return
  throw refused(`logits[0] has ${width} columns, but logits[${other}] has ${tensors[other]!.shape.at(-1)}`)
}

/** An engine that overwrites one buffer would leave the last token's logits in all of them. */
function checkMemory(tensors: readonly MemoryTensor[]): void {
  const ends = new Map<ArrayBufferLike, { index: number; end: number }>()
  const byStart = tensors
    .map(({ bytes }, index) => ({ index, bytes }))
    .sort((a, b) => a.bytes.byteOffset - b.bytes.byteOffset)
  for (const { index, bytes } of byStart) {
    const last = ends.get(bytes.buffer)
    if (last && bytes.byteOffset < last.end) {
      const [a, b] = [last.index, index].sort((x, y) => x - y)
      throw refused(
        `logits[${a}] and logits[${b}] share their memory, so both hold what was written last; copy each row when the engine returns it (row.slice())`,
      )
    }
    ends.set(bytes.buffer, { index, end: bytes.byteOffset + bytes.length })
  }
}

/** Every position of a tensor as a separate tensor, without a copy. */
function rowsOf({ bytes, dtype, shape }: MemoryTensor, sequence: number | undefined): MemoryTensor[] {
  const width = shape.at(-1)!
  const { first, count } = rangeOf(shape, sequence)
  const size = bytes.length / (shape.reduce((product, axis) => product * axis, 1) / width)
  return Array.from({ length: count }, (_, i) => {
    const start = (first + i) * size
    return memoryTensor(bytes.subarray(start, start + size), dtype, [1, width])
  })
}
