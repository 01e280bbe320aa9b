import type { Sketch } from './sketch.js'

/**
 * What is left of a row of logits in a compact golden. p = softmax of the row. Its *listed* vocab ids are the most
 * probable ones, each with its probability; of all others, the *tail*, only sums are known. *Suppressed* ids (see
 * `SUPPRESSED`) have no probability at all.
 */
export interface CompactRow {
  /** Size of the vocabulary. */
  readonly count: number
  readonly top1: number
  readonly top1Logit: number
  /** ln Σ exp(logit) */
  readonly logSumExp: number
  /** Listed vocab ids, ascending. */
  readonly ids: Uint32Array
  /** √p of the listed ids in steps of `ROOT_STEP`, rounded to nearest; none is 0. */
  readonly roots: Uint32Array
  /** No id of the tail has a higher log-prob; −Infinity where the tail is empty. */
  readonly tailCeiling: number
  /** Σ p·ln p over the tail, at most 0. */
  readonly tailEntropy: number
  /** The tail by ranges of vocab ids, all of `rangeOf`'s. */
  readonly ranges: readonly TailRange[]
  readonly suppressed: number
  /** How many of the suppressed ids are −Inf. */
  readonly infinite: number
  /** SHA-256 of the suppressed ids, its first 16 bytes. */
  readonly suppressedDigest: Uint8Array
  /** No id that is not suppressed has a lower log-prob. */
  readonly floor: number
  /** Over all ids that are not suppressed. */
  readonly moments: Moments
  /** Of the unit vector along those logits, less its mean: see `directionOf`. */
  readonly direction: Sketch
  /** Of √p over the tail, 0 elsewhere. */
  readonly tailRoots: Sketch
}

export interface Moments {
  readonly sum: number
  readonly squares: number
}

/** Sums over the ids of one range that are neither listed nor suppressed. */
export interface TailRange {
  /** Σp */
  readonly mass: number
  /** Σ logit */
  readonly sum: number
  /** Σ logit² */
  readonly squares: number
}

/** Probabilities are stored by their square roots: the error of the KL divergence is then even over all ids. */
export const ROOT_STEP = 2 ** -14

/**
 * A vocab id below this log-prob (−Inf included) is suppressed: exp of it is 0 in float64, so that it has no part in the
 * KL divergence whatever its logit. Padding and masks, written as −Inf or as the lowest number of a dtype, are.
 */
export const SUPPRESSED = -750

/** The tail is summed in so many ranges of vocab ids: a fault in one part of a split vocabulary moves mass between them. */
export const RANGES = 4

/** The range that a vocab id belongs to. */
export function rangeOf(id: number, count: number): number {
  return Math.floor((id * RANGES) / count)
}
