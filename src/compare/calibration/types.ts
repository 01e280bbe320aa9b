import type { Precision } from '../../metrics/precision.js'

/** The first key of a calibration file, by which its readers know it. */
export const CALIBRATION_FORMAT = 'golden-logits-calibration'

/** Changes whenever a reader of the version before would misread the file. */
export const CALIBRATION_VERSION = 1

/** What a calibration is valid for. */
export interface CalibrationKey {
  readonly model: string
  /** The precision of the dumps, as the option `dtype` names it. */
  readonly dtype: Precision
  /** The precision of the goldens. */
  readonly golden: Precision
  /** Over how many processes the model was split. */
  readonly tensorParallel: number
  readonly device: string
}

/** How far honest values of a metric spread, over all tokens. The higher a value, the worse. */
export interface MetricSpread {
  readonly median: number
  readonly p90: number
  readonly p99: number
  readonly max: number
  /** What one honest token in a million exceeds, extrapolated from the highest `tailTokens` values. */
  readonly tail: number
  readonly tailTokens: number
}

/** What a calibration measures. */
export type QuantityKey =
  | 'klDivergence'
  | 'cosineDistance'
  | 'relativeSpread'
  | 'scaleError'
  | 'maxAbsoluteError'
  | 'errorPeak'
  | 'meanAbsoluteError'
  | 'relativeEuclideanDistance'

/** What a calibration limits on each token. */
export type TokenLimitKey = 'klDivergence' | 'cosineSimilarity' | 'relativeSpread' | 'scaleError' | 'errorPeak'

/** What a calibration limits over a run. */
export type MeasuredRunKey = 'meanKl' | CalibratedRunKey

/** The statistics of a run that only a calibration limits. */
export type CalibratedRunKey = 'medianSpread' | 'medianScaleError' | 'medianPeak'

/** A proposed limit with its reasoning. All limits are strict. */
export interface ProposedLimit {
  /** Values must be below; of `cosineSimilarity` above. */
  readonly limit: number
  readonly reason: string
}

/** Honest spread of a build, and the limits that follow: what `calibrate` returns, and what a calibration file holds. */
export interface Calibration extends CalibrationKey {
  readonly format: typeof CALIBRATION_FORMAT
  readonly version: typeof CALIBRATION_VERSION
  /** What was measured, in one line. */
  readonly measured: string
  /** How many tokens were measured. */
  readonly tokens: number
  /** Empty if all dumps equal their goldens bit for bit. */
  readonly spread: Readonly<Partial<Record<QuantityKey, MetricSpread>>>
  readonly tokenLimits: Readonly<Partial<Record<TokenLimitKey, ProposedLimit>>>
  /** For runs of at least `runTokens` comparable tokens. */
  readonly runLimits: Readonly<Partial<Record<MeasuredRunKey, ProposedLimit>>>
  readonly runTokens: number
  /** What was assumed or left out when it was measured. */
  readonly notes: readonly string[]
}
