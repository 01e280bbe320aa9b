import { type OpenTensors, TensorReader } from '../../../src/formats/tensor-reader.js'
import type { Budgets } from '../../../src/io/budgets.js'
import type { ByteSource } from '../../../src/io/byte-source.js'

/** Opens a file with a reader that has seen no other file. */
export function openTensors(source: ByteSource, budgets?: Partial<Budgets>): OpenTensors {
  return new TensorReader(budgets).open(source)
}
