import type { RowBuffers } from '../metrics/kernel.js'
import type { Dtype } from '../tensor/dtype.js'
import { widen } from '../tensor/widen.js'

/** What the option `vocabSize` cut off each side of one pair. */
export interface ColumnCut {
  goldenColumns: number
  /** Softmax probability, over the whole row, of the columns cut; NaN where the row holds NaN or +Inf. */
  goldenMass: number
  dumpColumns: number
  dumpMass: number
}

/** @param golden dtype and width of the row in the buffer */
export function cutOf(
  buffers: RowBuffers,
  golden: readonly [Dtype, number],
  dump: readonly [Dtype, number],
  vocabSize: number,
): ColumnCut {
  return {
    goldenColumns: golden[1] - vocabSize,
    goldenMass: massBeyond(buffers.golden, golden, vocabSize),
    dumpColumns: dump[1] - vocabSize,
    dumpMass: massBeyond(buffers.dump, dump, vocabSize),
  }
}

function massBeyond(bytes: Uint8Array, [dtype, width]: readonly [Dtype, number], vocabSize: number): number {
  if (width === vocabSize) return 0
  const row = new Float32Array(width)
  widen(bytes, dtype, row)
  let max = Number.NEGATIVE_INFINITY
  for (const logit of row) if (logit > max) max = logit
  let kept = 0
  let cut = 0
  for (let i = 0; i < width; i++) {
    const e = Math.exp(row[i]! - max)
    if (i < vocabSize) kept += e
    else cut += e
  }
  return cut === 0 ? 0 : cut / (kept + cut)
}
