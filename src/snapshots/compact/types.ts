import type { Sketch } from './sketch.js'

/**
 * What a compact snapshot keeps of a row of logits. p = softmax of the row. The *listed* vocab ids are the most probable ones,
 * each with its probability; of all others, the *tail*, only sums are kept. *Suppressed* ids (see `SUPPRESSED`) have no
 * probability at all.
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
  /** √p of the listed ids in units of `ROOT_STEP`, rounded to the nearest integer; none is 0. */
  readonly roots: Uint32Array
  /** The highest log-probability of the tail, or a little more; −Infinity if the tail is empty. */
  readonly tailCeiling: number
  /** Σ p·ln p over the tail, at most 0. */
  readonly tailEntropy: number
  /** Σp of the tail in each of `RANGES` ranges of vocab ids (see `startOf`), or a little more: see `MASS_ROUNDING`. */
  readonly masses: readonly number[]
  readonly suppressed: number
  /** Number of suppressed ids whose logit is −Inf. */
  readonly infinite: number
  /** SHA-256 of the suppressed ids, its first 16 bytes. */
  readonly suppressedDigest: Uint8Array
  /** Of the suppressed ids with a finite logit; undefined if there are none, or if format 1 did not store it. */
  readonly fill?: Fill
  /** The lowest log-probability of the ids that are not suppressed, or a little less. */
  readonly floor: number
  /** Over all ids that are not suppressed. */
  readonly moments: Moments
  /** Sketch of `directionOf` the row. */
  readonly direction: Sketch
  /** Sketch of `tailRootsOf` the row. */
  readonly tailRoots: Sketch
}

/** The suppressed logits that are finite, such as −10,000: they have no probability, but they count in the cosine similarity. */
export interface Fill extends Moments {
  readonly min: number
  readonly max: number
  /** SHA-256 of the suppressed ids that are −Inf, its first 16 bytes. The others have these logits. */
  readonly infiniteDigest: Uint8Array
}

export interface Moments {
  readonly sum: number
  readonly squares: number
}

/** Probabilities are stored as square roots, so that every id contributes a similar error to the KL divergence. */
export const ROOT_STEP = 2 ** -14

/**
 * A vocab id with a lower log-probability (−Inf included) is suppressed: its probability is 0 in float64, so it has no part in
 * the KL divergence. This includes padding and masks, which models write as −Inf, −10,000 or the lowest number of a dtype.
 */
export const SUPPRESSED = -750

/** By how much, relative to it, a sum of probabilities may be below the float32 that is stored for it. */
export const MASS_ROUNDING = 2e-7

/** Number of ranges of the tail: a fault in one part of a split vocabulary moves mass between them. */
export const RANGES = 4

/** The first vocab id of a range. */
export function startOf(range: number, count: number): number {
  return Math.ceil((range * count) / RANGES)
}
