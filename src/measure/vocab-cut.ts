import { softmaxMass } from '../metrics/row-scan.js'
import { exactRow, type RawRow } from '../tensor/widen.js'

/** What the option `vocabSize` cut off each side of one pair. */
export interface VocabCut {
  goldenColumns: number
  /** Softmax probability, over all columns, of those that were cut; NaN if the row holds NaN or +Inf. */
  goldenMass: number
  dumpColumns: number
  dumpMass: number
}

/** @param golden undefined if its row is not in memory: it is known in part, and as wide as `vocabSize` */
export function vocabCut(golden: RawRow | undefined, dump: RawRow, vocabSize: number): VocabCut {
  return {
    goldenColumns: golden ? golden.width - vocabSize : 0,
    goldenMass: golden ? massBeyond(golden, vocabSize) : 0,
    dumpColumns: dump.width - vocabSize,
    dumpMass: massBeyond(dump, vocabSize),
  }
}

function massBeyond({ bytes, dtype, width }: RawRow, vocabSize: number): number {
  if (width === vocabSize) return 0
  return softmaxMass(exactRow(bytes, dtype, width), (column) => column >= vocabSize)
}
