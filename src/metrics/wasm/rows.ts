import type { Dtype } from '../../tensor/dtype.js'
import { widen } from '../../tensor/widen.js'
import type { KernelExports } from './instance.js'

/** One row in the kernel's memory. */
export interface PlacedRow {
  readonly at: number
  readonly dtype: Dtype
  readonly kind: number
  /** The raw bytes, which are only good until the memory grows. */
  readonly bytes: Uint8Array
}

/** A pair of rows in the kernel's memory, and the kernel to measure them with. */
export interface PlacedPair {
  readonly kernel: KernelExports
  readonly view: DataView
  readonly golden: PlacedRow
  readonly dump: PlacedRow
  readonly count: number
}

/** One logit as float32. */
export function logitAt({ kernel }: PlacedPair, { at, kind }: PlacedRow, vocabId: number): number {
  return kernel.logitAt(at, kind, vocabId)
}

/** The whole row as float32, in memory of its own: for what is rare enough to be left to TypeScript. */
export function widened({ bytes, dtype }: PlacedRow, count: number): Float32Array {
  const row = new Float32Array(count)
  widen(bytes, dtype, row)
  return row
}
