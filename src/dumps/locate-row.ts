import { printable } from '../errors.js'
import { listed } from '../lib/number-text.js'
import type { Dtype } from '../tensor/dtype.js'
import type { LazyTensor } from '../tensor/tensor.js'
import type { Dump } from './types.js'

/** What the caller says of the tensors of a dump. With the positions `all`, each counts, so the step must say which it is. */
export type RowChoice = NonNullable<Dump['rows']>

/** The place of the row of logits in a file. */
export interface RowPlace {
  readonly kind: 'row'
  /** The tensor's index in the file. */
  readonly index: number
  /** Number of columns. */
  readonly width: number
  /** Element number of the first column. */
  readonly start: number
}

/** The tensor holds several positions, and every one of them counts. */
export interface ManyRows {
  readonly kind: 'positions'
  readonly count: number
  readonly dtype: Dtype
  readonly fileShape: readonly number[]
}

export interface NoRow {
  readonly kind: 'shape-mismatch'
  readonly reason: string
  readonly dtype: Dtype
  readonly fileShape: readonly number[]
}

/** No vocabulary comes near it: a row as long as this holds positions as well, which must never be flattened. */
export const MAX_VOCABULARY = 2 ** 22

/** Dtypes of logits. Quantised heads write int8 and int32, which are noted. */
const LOGITS: readonly Dtype[] = ['float64', 'float32', 'float16', 'bfloat16', 'int32', 'int8']
const FLOATS = LOGITS.slice(0, 4)

/**
 * Decides which numbers of a file are the logits: which of its tensors, and which position of it. What the data do not decide
 * is refused with the name of the option that does.
 * @param tensors at least one
 * @param notes takes what was chosen, each once
 * @param position which of several positions is wanted, in place of the option `positions`
 */
export function locateRow(
  tensors: readonly LazyTensor[],
  choice: RowChoice,
  notes: string[],
  position?: number,
): RowPlace | ManyRows | NoRow {
  const areCounted = position === undefined && (choice.positions === 'all' || choice.positions === 'steps')
  const series = position !== undefined || areCounted ? seriesOf(tensors, choice) : undefined
  if (series && position === undefined) {
    const [first] = series
    return { kind: 'positions', count: series.length, dtype: first!.dtype, fileShape: [...first!.shape] }
  }
  const tensor = series ? series[position!] : chooseTensor(tensors, choice, notes)
  if (tensor === undefined)
    return noRow(tensors[0]!, `the file holds ${series!.length} tensors, and no tensor ${position}`)
  if (typeof tensor === 'string') return noRow(tensors[0]!, tensor)
  const { shape, length, dtype } = tensor
  const reason = dtypeProblem(dtype) ?? shapeProblem(tensor)
  if (reason !== undefined) return noRow(tensor, reason)
  if (!FLOATS.includes(dtype)) addOnce(notes, `the logits are integers (${dtype})`)
  const width = shape[shape.length - 1]!
  const count = length / width / (choice.sequence === undefined ? 1 : shape[0]!)
  // Rows that the caller calls steps may be stacked: what generate returns for each step is [1, vocabulary].
  const isStack = choice.positions === 'steps' && choice.sequence === undefined && isStackOfRows(shape)
  if (areCounted && count > 1 && (isStack || isOneSequence(shape, choice))) {
    return { kind: 'positions', count, dtype, fileShape: [...shape] }
  }
  // Of a series, each tensor is one position.
  const chosen: RowChoice = position === undefined ? choice : { ...choice, positions: series ? 'last' : position }
  const row = chooseRow(isStack ? [1, length / width, width] : shape, length / width, chosen, notes)
  if (typeof row === 'string') return noRow(tensor, row)
  return { kind: 'row', index: tensors.indexOf(tensor), width, start: row * width }
}

function noRow({ dtype, shape }: LazyTensor, reason: string): NoRow {
  return { kind: 'shape-mismatch', reason, dtype, fileShape: [...shape] }
}

/** The named tensor, the one named `logits`, or the only one that can be logits. A string says why none was chosen. */
function chooseTensor(tensors: readonly LazyTensor[], choice: RowChoice, notes: string[]): LazyTensor | string {
  const name = choice.tensor
  if (name !== undefined) {
    const named = tensors.find((tensor) => tensor.name === name)
    return named ?? `no tensor of the file is named '${printable(name, 40)}'; there are ${listTensors(tensors)}`
  }
  if (tensors.length === 1) return tensors[0]!
  const candidates = tensors.filter(({ dtype, shape }) => FLOATS.includes(dtype) && (shape.at(-1) ?? 1) > 1)
  const logits = tensors.filter((tensor) => tensor.name === 'logits')
  // Never integers beside floats, even if their names suggest it.
  const isClear = logits.length === 1 && (candidates.length === 0 || candidates.includes(logits[0]!))
  const [chosen, ...others] = isClear ? logits : logits.length === 1 ? [] : candidates
  if (chosen && others.length === 0) {
    const why = logits.length === 1 ? 'the one named logits' : 'the only one that can be logits'
    addOnce(notes, `${tensors.length} tensors in the file, ${why} compared`)
    return chosen
  }
  const advice = `name the one that holds the logits with loadDump's option tensor: '${example(candidates, tensors)}'`
  const run = seriesOf(tensors, choice)
    ? "; if each is a step of one run, set loadDump's option positions: 'steps'"
    : ''
  return `${tensors.length} tensors in the file, and which one holds the logits is not decided: ${listTensors(tensors)}; ${advice}${run}`
}

/** Tensors that may be the positions or steps of one run, in their order: a list, or a dict by names that count. */
function seriesOf(tensors: readonly LazyTensor[], { tensor, sequence }: RowChoice): readonly LazyTensor[] | undefined {
  if (tensor !== undefined || tensors.some(({ name }) => name === 'logits')) return undefined
  const all = tensors.filter(({ dtype, shape }) => FLOATS.includes(dtype) && (shape.at(-1) ?? 1) > 1)
  // `generate` returns scores beside the logits, in tuples of the same form.
  const named = all.filter(({ name }) => /^(?:logits[._-]?\d+|\d+\.logits)$/i.test(name))
  const rows = named.length > 1 ? named : all
  const width = rows[0]?.shape.at(-1)
  const batch = sequence === undefined ? 1 : rows[0]?.shape[0]
  const isRow = ({ shape, length }: LazyTensor) => shape.at(-1) === width && length === width! * batch!
  if (rows.length < 2 || !rows.every(isRow)) return undefined
  // Of a list of dicts, the number is in front of the key: `0.logits`.
  const numbered = rows.map((tensor) => ({ tensor, match: /^(.*?)(\d{1,9})((?:\.\D*)?)$/.exec(tensor.name) }))
  const around = (match: RegExpExecArray | null) => match && `${match[1]!.replace(/0+$/, '')}#${match[3]}`
  const same = around(numbered[0]!.match)
  if (same === null || numbered.some(({ match }) => around(match) !== same)) return undefined
  numbered.sort((a, b) => Number(a.match![2]) - Number(b.match![2]))
  const first = Number(numbered[0]!.match![2])
  if (numbered.some(({ match }, i) => Number(match![2]) !== first + i)) return undefined
  return numbered.map(({ tensor }) => tensor)
}

function example(candidates: readonly LazyTensor[], tensors: readonly LazyTensor[]): string {
  return printable((candidates[0] ?? tensors[0]!).name, 40)
}

/** At most six tensors, with name, dtype and shape. */
function listTensors(tensors: readonly LazyTensor[]): string {
  const texts = tensors.map(({ name, dtype, shape }) => `'${printable(name, 40)}' ${dtype} [${shape.join(', ')}]`)
  return listed(texts, 6)
}

function dtypeProblem(dtype: Dtype): string | undefined {
  if (LOGITS.includes(dtype)) return undefined
  const what = dtype === 'int64' ? 'token ids' : dtype === 'bool' ? 'a mask' : 'bit patterns or ids'
  return `dtype ${dtype}: such numbers are ${what}, not logits; save the logits in a floating-point dtype`
}

function shapeProblem({ shape, length }: LazyTensor): string | undefined {
  const width = shape[shape.length - 1]
  if (width === undefined) return 'the tensor is a single number, without a vocabulary axis'
  if (length === 0) return 'the tensor is empty'
  if (width === 1 && length > 1) {
    return `one column and ${length} rows: a row is a vocabulary, expected [1, positions, vocabulary]`
  }
  if (width > MAX_VOCABULARY) return `rows of ${width} columns, more than any vocabulary (${MAX_VOCABULARY})`
  return undefined
}

/** The number of the row within the tensor; a string says why none was chosen. */
function chooseRow(
  shape: readonly number[],
  rows: number,
  { positions, sequence }: RowChoice,
  notes: string[],
): number | string {
  const [batch, perSequence] = sequence === undefined ? [1, rows] : [shape[0]!, rows / shape[0]!]
  if (sequence !== undefined && (shape.length < 2 || sequence >= batch)) {
    return `the option sequence is ${sequence}, but the tensor [${shape.join(', ')}] holds ${shape.length < 2 ? 1 : batch} sequences`
  }
  if (sequence === undefined && isBatch(shape)) {
    return `a batch of several sequences, shape [${shape.join(', ')}]; expected [1, positions, vocabulary]: dump one sequence at a time, or choose one with loadDump's option sequence: 0${isStackOfRows(shape) ? "; if they are the tokens of one run, set positions: 'steps'" : ''}`
  }
  const position = typeof positions === 'number' ? positions : perSequence - 1
  if (position >= perSequence) {
    return `the option positions is ${position}, but the tensor [${shape.join(', ')}] holds ${perSequence} positions`
  }
  if (perSequence > 1 && positions === undefined) addOnce(notes, 'only the last of several positions compared')
  return (sequence ?? 0) * perSequence + position
}

/** Whether all axes but one and the vocabulary are 1: `[steps, 1, vocabulary]`. */
function isStackOfRows(shape: readonly number[]): boolean {
  return shape.slice(0, -1).filter((size) => size !== 1).length === 1
}

/** Whether all rows are positions of one sequence: of the only one, or of the chosen one if it exists. */
function isOneSequence(shape: readonly number[], { sequence }: RowChoice): boolean {
  return sequence === undefined ? !isBatch(shape) : shape.length >= 2 && sequence < shape[0]!
}

function isBatch(shape: readonly number[]): boolean {
  for (let axis = 0; axis < shape.length - 2; axis++) if (shape[axis] !== 1) return true
  return false
}

/** Ranks give the same note: once is enough. */
export function addOnce(notes: string[], note: string): void {
  if (!notes.includes(note)) notes.push(note)
}
