import type { Layer } from '../../../dumps/layers/index.js'
import { GoldenLogitsError } from '../../../errors.js'
import type { TensorReader } from '../../../formats/tensor-reader.js'
import type { LazyTensor } from '../../../tensor/tensor.js'
import { OpenStep } from '../../open-step.js'
import { elements, rowsOf, widthOf } from '../derived-tensors.js'
import { isFloat } from '../measure-tensors.js'

/** What a layer read and wrote, position by position. */
export interface LayerRows {
  readonly outputs: readonly Float32Array[]
  /** Of the first input with these positions; empty if no input has them. */
  readonly inputs: readonly Float32Array[]
  /** Token ids, if its first input of whole numbers has these positions. */
  readonly ids: readonly number[]
}

/** @param most positions to read; the first of each text is left out if there are others */
export function readLayerRows(layer: Layer, reader: TensorReader, most: number): LayerRows | undefined {
  return withTensors([layer.outputs[0]!, ...layer.inputs], reader, ([output, ...inputs]) => {
    const rows = someRows(output!, most)
    const input = inputs.find((tensor) => isFloat(tensor.dtype) && rowsOf(tensor) === rowsOf(output!))
    const ids = inputs.find((tensor) => !isFloat(tensor.dtype) && tensor.length === rowsOf(output!))
    return {
      outputs: rows.map((row) => rowOf(output!, row)),
      inputs: input ? rows.map((row) => rowOf(input, row)) : [],
      ids: ids ? rows.map((row) => elements(ids, row, 1)[0]!) : [],
    }
  })
}

/** What `use` makes of the tensors of some files; undefined if one is unreadable, which the measuring of the layers has reported. */
export function withTensors<T>(
  files: readonly string[],
  reader: TensorReader,
  use: (tensors: readonly LazyTensor[]) => T,
): T | undefined {
  let step: OpenStep | undefined
  try {
    step = new OpenStep(files, reader)
    return use(step.files.map(({ tensors }) => tensors[0]!))
  } catch (error) {
    if (error instanceof GoldenLogitsError) return undefined
    throw error
  } finally {
    step?.close()
  }
}

/** Evenly spread, without the first of each text if there are others. */
export function someRows(tensor: LazyTensor, most: number): number[] {
  const count = rowsOf(tensor)
  const sequence = tensor.shape.at(-2) ?? 1
  const all = Array.from({ length: count }, (_, row) => row)
  const later = sequence > 1 ? all.filter((row) => row % sequence > 0) : all
  return Array.from({ length: Math.min(most, later.length) }, (_, i) => {
    return later[Math.floor((i * later.length) / Math.min(most, later.length))]!
  })
}

function rowOf(tensor: LazyTensor, row: number): Float32Array {
  const width = widthOf(tensor)
  return elements(tensor, row * width, width)
}
