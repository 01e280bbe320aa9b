import type { Dtype } from '../tensor/dtype.js'
import type { LazyTensor } from '../tensor/tensor.js'

/** Where in a file the row of logits is. */
export interface RowPlace {
  readonly kind: 'row'
  /** The tensor's index in the file. */
  readonly index: number
  /** Number of columns. */
  readonly width: number
  /** Element number of the first column. */
  readonly start: number
}

// No vocabulary comes near it: a row as long as this holds positions as well, which must never be flattened.
const MAX_VOCABULARY = 2 ** 22

/**
 * Decides which numbers of a file are the logits: which of its tensors, and which position of it.
 * @param tensors at least one
 * @param notes takes what was chosen, each once
 */
export function locateRow(
  tensors: readonly LazyTensor[],
  notes: string[],
): RowPlace | { kind: 'shape-mismatch'; reason: string; dtype: Dtype; fileShape: readonly number[] } {
  const index = tensors.length === 1 ? 0 : chooseTensor(tensors, notes)
  const tensor = tensors[index]!
  const { shape, length, dtype } = tensor
  const reason = shapeProblem(tensor)
  if (reason !== undefined) return { kind: 'shape-mismatch', reason, dtype, fileShape: [...shape] }
  const width = shape[shape.length - 1]!
  if ((shape[shape.length - 2] ?? 1) > 1) addOnce(notes, 'only the last of several positions compared')
  // The last position is the one that produced the token.
  return { kind: 'row', index, width, start: length - width }
}

/** The tensor named `logits` (the name in a model output of `transformers`), else the first one of the file. */
function chooseTensor(tensors: readonly LazyTensor[], notes: string[]): number {
  const named = tensors.findIndex(({ name }) => name === 'logits')
  const index = Math.max(0, named)
  addOnce(notes, `${tensors.length} tensors in the file, the ${index === 0 ? 'first' : 'one named logits'} compared`)
  return index
}

function shapeProblem({ shape, length }: LazyTensor): string | undefined {
  const width = shape[shape.length - 1]
  if (width === undefined) return 'the tensor is a single number, without a vocabulary axis'
  if (length === 0) return 'the tensor is empty'
  if (hasBatch(shape)) {
    return 'a batch of several sequences; expected [1, positions, vocabulary]: dump one sequence at a time'
  }
  if (width === 1 && length > 1) {
    return `one column and ${length} rows: a row is a vocabulary, expected [1, positions, vocabulary]`
  }
  if (width > MAX_VOCABULARY) return `rows of ${width} columns, more than any vocabulary (${MAX_VOCABULARY})`
  return undefined
}

function hasBatch(shape: readonly number[]): boolean {
  for (let axis = 0; axis < shape.length - 2; axis++) if (shape[axis] !== 1) return true
  return false
}

/** Ranks give the same note: once is enough. */
export function addOnce(notes: string[], note: string): void {
  if (!notes.includes(note)) notes.push(note)
}
