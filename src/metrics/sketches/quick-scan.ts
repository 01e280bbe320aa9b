import { type RowScan, scanRow } from '../row-scan.js'
import { sketchKernel } from './index.js'

/** The highest float32. */
const HIGHEST = (2 - 2 ** -23) * 2 ** 127

/** The facts of `scanRow`, from the kernel if all logits are finite. The mean may differ in its last digits. */
export function quickScan(row: Float32Array): RowScan {
  const kernel = sketchKernel()
  kernel.row(row.length).set(row)
  const { count, sum, min, max } = kernel.sumBetween(0, row.length, -HIGHEST, HIGHEST)
  if (count < row.length) return scanRow(row, row.length)
  return { max, min, mean: sum / count, top1: row.indexOf(max), top1Logit: max }
}
