import { dirname, relative } from 'node:path'
import { linkedFile } from '../dumps/layouts/atb/link.js'
import type { DumpStep } from '../dumps/types.js'
import { GoldenLogitsError, printable } from '../errors.js'
import type { OpenTensors, ParsedLayout, TensorReader } from '../formats/tensor-reader.js'
import { type FileSource, openFile } from '../io/file-source.js'
import type { Dtype } from '../tensor/dtype.js'
import type { LazyTensor } from '../tensor/tensor.js'

/** The row of logits in one file, not yet read. */
export interface RowPart {
  readonly file: string
  readonly source: FileSource
  readonly tensor: LazyTensor
  /** What the file has in common with others, and the tensor's number among its own. */
  readonly layout: ParsedLayout | undefined
  readonly index: number
  readonly dtype: Dtype
  /** Number of columns. */
  readonly width: number
  /** Element number of the first column. */
  readonly start: number
}

/** One side's files of a step, opened: one part per rank. */
export type OpenedRow =
  | { kind: 'opened'; parts: RowPart[]; notes: string[] }
  | { kind: 'shape-mismatch'; reason: string; dtype: Dtype; fileShape: number[] }
  | { kind: 'unreadable'; reason: string }

// No vocabulary comes near it: a row as long as this holds positions as well, which must never be flattened.
const MAX_VOCABULARY = 2 ** 22

/**
 * Opens the files of a step and finds the row of logits in each. Files opened are added to `opened`, for the caller to
 * close. What cannot be read is an answer here, not an error: it fails its token and no other.
 */
export function openRow(step: DumpStep, reader: TensorReader, opened: FileSource[]): OpenedRow {
  if (step.problem !== undefined) return { kind: 'unreadable', reason: step.problem }
  const notes: string[] = []
  const parts: RowPart[] = []
  try {
    for (const file of step.files) {
      const { source, tensors, layout } = open(file, reader, { opened, notes })
      const index = tensors.length === 1 ? 0 : chooseTensor(tensors, notes)
      const tensor = tensors[index]!
      const located = locateRow(tensor, notes)
      if (typeof located === 'string') {
        return { kind: 'shape-mismatch', reason: located, dtype: tensor.dtype, fileShape: [...tensor.shape] }
      }
      const { width, start } = located
      parts.push({ file, source, tensor, layout, index, dtype: tensor.dtype, width, start })
    }
  } catch (error) {
    if (error instanceof GoldenLogitsError) return { kind: 'unreadable', reason: error.message }
    throw error
  }
  return { kind: 'opened', parts, notes }
}

interface Opening {
  readonly opened: FileSource[]
  readonly notes: string[]
}

type Open = OpenTensors & { source: FileSource }

/** Opens a file, or the one that it says its data are in. */
function open(file: string, reader: TensorReader, { opened, notes }: Opening): Open {
  const source = openFile(file, reader.budgets)
  opened.push(source)
  try {
    return { source, ...reader.open(source) }
  } catch (error) {
    const link =
      error instanceof GoldenLogitsError && error.code === 'no-data' ? linkedFile(source, reader.budgets) : undefined
    if (link === undefined) throw error
    note(notes, `the data are those of ${printable(relative(dirname(file), link), 120)}, as the file says`)
    const other = openFile(link, reader.budgets)
    opened.push(other)
    return { source: other, ...reader.open(other) }
  }
}

/** The number of the tensor named `logits` (what `transformers` calls it in a model's output), else the first that the file holds. */
function chooseTensor(tensors: readonly LazyTensor[], notes: string[]): number {
  const index = Math.max(
    0,
    tensors.findIndex(({ name }) => name === 'logits'),
  )
  note(notes, `${tensors.length} tensors in the file, the ${index === 0 ? 'first' : 'one named logits'} compared`)
  return index
}

/** Ranks say the same: once is enough. */
function note(notes: string[], text: string): void {
  if (!notes.includes(text)) notes.push(text)
}

/** The last row along the vocabulary axis: the position that produced the token. A text says why there is none. */
function locateRow(tensor: LazyTensor, notes: string[]): { width: number; start: number } | string {
  const { shape } = tensor
  const width = shape[shape.length - 1]
  if (width === undefined) return 'the tensor is a single number, without a vocabulary axis'
  if (tensor.length === 0) return 'the tensor is empty'
  if (hasBatch(shape)) {
    return 'a batch of several sequences; expected [1, positions, vocabulary]: dump one sequence at a time'
  }
  if (width === 1 && tensor.length > 1) {
    return `one column and ${tensor.length} rows: a row is a vocabulary, expected [1, positions, vocabulary]`
  }
  if (width > MAX_VOCABULARY) return `rows of ${width} columns, more than any vocabulary (${MAX_VOCABULARY})`
  const rows = shape[shape.length - 2] ?? 1
  if (rows > 1) note(notes, 'only the last of several positions compared')
  return { width, start: tensor.length - width }
}

function hasBatch(shape: readonly number[]): boolean {
  for (let axis = 0; axis < shape.length - 2; axis++) if (shape[axis] !== 1) return true
  return false
}
