import type { BregmanSums } from '../divergence.js'
import type { PairSums } from '../pair-sums.js'
import type { RowScan } from '../row-scan.js'
import type { Support } from '../types.js'

/** How many numbers the kernel tells of a pair, in the order of kernel/results.ts. */
export const RESULT_COUNT = 31

/** What the kernel found in one pass over two rows. */
export interface PairResults {
  readonly golden: RowScan
  readonly dump: RowScan
  readonly goldenAtDumpTop1: number
  readonly dumpAtGoldenTop1: number
  readonly sums: PairSums
  readonly support: Support
  /** The golden's maximum over the ids that only the dump suppresses; −Infinity where there is none. */
  readonly missedMax: number
  /** What the divergence follows from, if it was not given up. */
  readonly running: RunningSums | undefined
}

export interface RunningSums {
  readonly sums: BregmanSums
  /** How large the terms were, over `mass`, that digits were lost in. */
  readonly noise: number
  /** Whether logits without weight were raised to a floor. */
  readonly raised: boolean
}

/** Nothing where a row holds NaN or +Inf. */
export function readResults(found: Float64Array): PairResults | undefined {
  if (!Number.isFinite(found[0])) return undefined
  return {
    golden: rowScan(found, 1),
    dump: rowScan(found, 5),
    goldenAtDumpTop1: found[9]!,
    dumpAtGoldenTop1: found[10]!,
    sums: {
      gg: found[11]!,
      mm: found[12]!,
      gm: found[13]!,
      dd: found[14]!,
      spread: found[15]!,
      absoluteSum: found[16]!,
      absoluteMax: found[17]!,
      relativeSum: found[18]!,
      relativeMax: found[19]!,
    },
    support: {
      bothSuppressed: found[20]!,
      goldenOnly: found[21]!,
      dumpOnly: found[22]!,
      firstMismatch: found[23]!,
    },
    missedMax: found[24]!,
    running: found[29] === 0 ? runningSums(found) : undefined,
  }
}

function rowScan(found: Float64Array, at: number): RowScan {
  const max = found[at + 1]!
  return { max, min: found[at + 2]!, mean: found[at + 3]!, top1: found[at]!, top1Logit: max }
}

function runningSums(found: Float64Array): RunningSums {
  const mass = found[25]!
  return {
    sums: { mass, linear: found[26]!, bregman: found[27]! },
    noise: found[28]! / mass,
    raised: found[30] !== 0,
  }
}
