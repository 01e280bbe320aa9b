import type { BregmanSums } from '../divergence.js'
import type { PairFacts } from '../measure.js'
import type { RowScan } from '../row-scan.js'

/** How many numbers the kernel writes for a pair, in the order of kernel/results.ts. */
export const RESULT_COUNT = 35

/** The results of one pass over two rows. */
export interface PairResults extends PairFacts {
  /** The golden's maximum over the ids that only the dump suppresses; −Infinity if there are none. */
  readonly missedMax: number
  /** The sums of the KL divergence; undefined if the kernel gave up. */
  readonly running: RunningSums | undefined
}

export interface RunningSums {
  readonly sums: BregmanSums
  /** The size of the terms that lost digits by cancellation, divided by `mass`. */
  readonly noise: number
  /** Whether logits of negligible weight were raised to a floor. */
  readonly raised: boolean
}

/** @returns undefined if a row contains NaN or +Inf */
export function readResults(values: Float64Array): PairResults | undefined {
  if (!Number.isFinite(values[0])) return undefined
  return {
    golden: rowScan(values, 1),
    dump: rowScan(values, 5),
    goldenAtDumpTop1: values[9]!,
    dumpAtGoldenTop1: values[10]!,
    sums: {
      gg: values[11]!,
      mm: values[12]!,
      gm: values[13]!,
      dd: values[14]!,
      spread: values[15]!,
      absoluteSum: values[16]!,
      absoluteMax: values[17]!,
      relativeSum: values[18]!,
      relativeMax: values[19]!,
    },
    support: {
      bothSuppressed: values[20]!,
      goldenOnly: values[21]!,
      dumpOnly: values[22]!,
      firstMismatch: values[23]!,
    },
    missedMax: values[24]!,
    running: values[29] === 0 ? runningSums(values) : undefined,
    sample: {
      columns: values[31]!,
      spread: values[32]!,
      goldenDeviation: values[33]!,
      dumpDeviation: values[34]!,
    },
  }
}

function rowScan(values: Float64Array, at: number): RowScan {
  const max = values[at + 1]!
  return { max, min: values[at + 2]!, mean: values[at + 3]!, top1: values[at]!, top1Logit: max }
}

function runningSums(values: Float64Array): RunningSums {
  const mass = values[25]!
  return {
    sums: { mass, linear: values[26]!, bregman: values[27]! },
    noise: values[28]! / mass,
    raised: values[30] !== 0,
  }
}
