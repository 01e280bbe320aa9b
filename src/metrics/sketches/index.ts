import { rowKernel } from '../row-kernel.js'
import { type RowScan, scanRow } from '../row-scan.js'
import { HIGHEST, type SketchKernel } from './sketch-kernel.js'
import { TypescriptSketches } from './typescript-sketches.js'
import { WasmSketches } from './wasm-sketches.js'

let shared: SketchKernel | undefined

/** The sketch kernel of this thread, created by the first call: of the same language as `rowKernel`. */
export function sketchKernel(): SketchKernel {
  shared ??= rowKernel().name === 'wasm' ? new WasmSketches() : new TypescriptSketches()
  return shared
}

/** The facts of `scanRow`, from the kernel if all logits are finite. The mean may differ in its last digits. */
export function quickScan(row: Float32Array): RowScan {
  const kernel = sketchKernel()
  kernel.row(row.length).set(row)
  const { count, sum, min, max } = kernel.sumBetween(0, row.length, -HIGHEST, HIGHEST)
  if (count < row.length) return scanRow(row, row.length)
  return { max, min, mean: sum / count, top1: row.indexOf(max), top1Logit: max }
}
