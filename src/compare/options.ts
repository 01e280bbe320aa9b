import type { Dump } from '../dumps/types.js'
import { describeValue, invalidArgument } from '../errors.js'
import { checkObject, choice, choiceIfGiven, flag, refuseUnknown, wholeNumber } from '../lib/check-options.js'
import { MOST_THREADS } from '../measure/measure-all.js'
import { type LimitedKey, OPTIONAL, type OptionalKey } from '../metrics/optional/table.js'
import { GATED, type GatedKey } from '../metrics/table.js'
import type { Baseline } from './baseline/rule.js'
import type { UsedCalibration } from './calibration/judge.js'
import { checkBaseline, checkUsed, type MeasuredOptions } from './measured-options.js'
import { checkLimit, checkMetricLimits, checkMetrics, LIMITED_KEYS } from './metric-limits.js'
import { checkRunLimits, RUN_KEYS, type RunThresholds } from './run-limits.js'
import { checkPrecision, type PrecisionName, refuseIdleLimits } from './thresholds.js'
import type { Decoding, Precision, TokenIds } from './types.js'

/** Options of a comparison, shared by `compareDumps` and the matchers. */
export interface CompareOptions extends MeasuredOptions {
  /**
   * The precision the dumps were computed in, which chooses the thresholds: `bf16`, `fp16` or `fp32`; names such as
   * `bfloat16` and `torch.float16` are understood. Left out: the coarser dtype of the two dumps.
   */
  dtype?: PrecisionName
  /** Limits that replace the default ones of the precision. */
  thresholds?: {
    /** KL divergence in nats must be below; above 0. */
    klDivergence?: number
    /** Cosine similarity must be above; in [−1, 1). */
    cosineSimilarity?: number
    /** The mean KL divergence of the comparable tokens must be below, of at least 10 tokens. */
    meanKl?: number
    /** The 99th percentile of their KL divergence must be below, of at least 100 tokens. */
    p99Kl?: number
    /** The share of them with the same top-1 on both sides must be above; in [0, 1). */
    top1Agreement?: number
    /** Optional metrics; a limit adds its metric to `metrics`. */
  } & { [key in LimitedKey]?: number }
  /** Metrics to compute besides the default ones: `['jensenShannonDivergence', 'top10Overlap']`. They cost time. */
  metrics?: readonly OptionalKey[]
  /** Compare these steps only: a list, or a range with both ends included. Left out: every step. */
  steps?: readonly number[] | { from?: number; to?: number }
  /** Compare the first `vocabSize` columns only, if a side pads its vocabulary. The probability cut off is reported. */
  vocabSize?: number
  /** Whether a step that only the golden holds fails the comparison (`fail`, the default) or is only listed. */
  missing?: 'fail' | 'allow'
  /** Whether a step that only the dump holds fails the comparison (`fail`, the default) or is only listed. */
  extra?: 'fail' | 'allow'
  /**
   * Whether it is a warning (`warn`, the default) that both sides read the same file, or that all tokens have the same logits
   * on both sides, bit for bit, or that the dump is read from the files of the `baseline`. A stored snapshot that matches
   * bit for bit gives no such warning.
   */
  identical?: 'warn' | 'allow'
  /** Whether it is a warning (`warn`, the default) that a token of one side has the logits of the token before, bit for bit. */
  repeatedRows?: 'warn' | 'allow'
  /**
   * What to do with the tokens after the one at which the two runs began to read different texts. `auto` (the default) neither
   * passes nor fails them: after a near-tie flip of a greedy run, or where `tokenIds` differ. A flip that rounding does not
   * explain fails. `gate` judges every token; `ignore` excuses failing ones after any flip.
   */
  afterDivergence?: 'auto' | 'gate' | 'ignore'
  /** The vocab ids that each run chose, by step from 0: they show where the two runs began to read different texts. */
  tokenIds?: TokenIds
  /** How many comparable tokens a pass needs at least. Default: 4, or all tokens if there are fewer. */
  minComparable?: number
  /**
   * Whether a value over a reference limit passes if the rounding of the precision explains it at these logits: `aware` (the
   * default), or `reference`, the plain rule of `msit llm compare`. Limits in `thresholds` are always hard.
   */
  rounding?: 'aware' | 'reference'
  /**
   * `logitscmp`: the rule of `msit llm logitscmp`. KL divergence, cosine similarity and L1 norm are within 0.0001, 0.999 and 0.01 (or
   * `thresholds`), or the maxima are within one ULP of `dtype` (default fp16) at the same vocab id.
   */
  rule?: 'logitscmp'
  /**
   * How the runs chose the tokens that they were fed, on which depends whether both read the same text before a token:
   * `greedy` (assumed, if left out) feeds the top-1; `sampled` feeds a draw, which the logits do not show; `forced` says that
   * both runs were fed the same tokens, so that no token follows a divergence.
   */
  decoding?: Decoding
  /** Whether warnings (`comparison.warnings`) make the comparison fail. Default: false. */
  strict?: boolean
  /**
   * On how many threads to measure, the calling one included: from 1 to 64. Left out: the environment variable
   * `GOLDEN_LOGITS_THREADS`, else this process's share of the processors. The result does not depend on it.
   */
  threads?: number
}

/** Options with a default. */
type Defaulted = 'missing' | 'extra' | 'identical' | 'repeatedRows' | 'afterDivergence' | 'strict'

/** Options that are undefined if they are left out. `aware` rounding and greedy decoding are then assumed. */
type Optional =
  | 'vocabSize'
  | 'tokenIds'
  | 'minComparable'
  | 'rounding'
  | 'rule'
  | 'baselineFactor'
  | 'decoding'
  | 'threads'

type Given = Required<Pick<CompareOptions, Defaulted>> & { [Key in Optional]: CompareOptions[Key] }

/** The options, checked, with their defaults filled in. */
export interface CompareSettings extends Given {
  precision: Precision | undefined
  /** Limits that the caller set. */
  limits: Partial<Record<GatedKey, number>>
  /** Limits on the whole run. */
  runLimits: RunThresholds
  /** The optional metrics to compute, and their limits. */
  metrics: readonly OptionalKey[]
  metricLimits: Partial<Record<LimitedKey, number>>
  wants: (step: number) => boolean
  /** Steps requested one by one: at least one side must have each. */
  listed: readonly number[]
  /** The first and the last step of a requested range, if there is one. */
  range: { readonly from: number; readonly to: number | undefined } | undefined
  calibration: UsedCalibration | undefined
  baseline: Dump | undefined
  /** The baseline, measured: set by the comparison. */
  measuredBaseline?: Baseline
  /** How many failing tokens get `candidates`; set for each of several runs. */
  mostCandidates?: number
}

/** Every measured token passes, and a flip is where greedy runs part. */
export const UNLIMITED = {
  limits: { klDivergence: Number.POSITIVE_INFINITY, cosineSimilarity: -1 },
  runLimits: {},
  metricLimits: {},
  calibration: undefined,
  strict: false,
} as const satisfies Partial<CompareSettings>

/** The names of the options of every comparison. */
export const COMPARE_OPTIONS = [
  'dtype',
  'thresholds',
  'metrics',
  'steps',
  'vocabSize',
  'missing',
  'extra',
  'identical',
  'repeatedRows',
  'afterDivergence',
  'decoding',
  'tokenIds',
  'minComparable',
  'rounding',
  'rule',
  'calibration',
  'baseline',
  'baselineFactor',
  'model',
  'device',
  'tensorParallel',
  'strict',
  'threads',
]

/** @throws GoldenLogitsError `invalid-argument` for an unknown option or a value that no comparison could mean */
export function checkOptions(options?: CompareOptions): CompareSettings {
  const given = checkObject<CompareOptions>('the options', options, COMPARE_OPTIONS, "{ dtype: 'bf16' }")
  const settings: CompareSettings = {
    precision: checkPrecision(given.dtype),
    ...checkThresholds(given.thresholds, checkMetrics(given.metrics)),
    ...checkSteps(given.steps),
    vocabSize: wholeNumber('vocabSize', given.vocabSize, 1),
    missing: choice('missing', given.missing, ['fail', 'allow']),
    extra: choice('extra', given.extra, ['fail', 'allow']),
    identical: choice('identical', given.identical, ['warn', 'allow']),
    repeatedRows: choice('repeatedRows', given.repeatedRows, ['warn', 'allow']),
    afterDivergence: choice('afterDivergence', given.afterDivergence, ['auto', 'gate', 'ignore']),
    tokenIds: checkTokenIds(given.tokenIds),
    minComparable: wholeNumber('minComparable', given.minComparable, 1),
    rounding: choiceIfGiven('rounding', given.rounding, ['aware', 'reference']),
    rule: choiceIfGiven('rule', given.rule, ['logitscmp']),
    calibration: checkUsed(given),
    ...checkBaseline(given),
    decoding: choiceIfGiven('decoding', given.decoding, ['greedy', 'sampled', 'forced']),
    strict: flag('strict', given.strict),
    threads: wholeNumber('threads', given.threads, 1, MOST_THREADS),
  }
  return settings.rule === undefined ? settings : withLogitscmp(settings)
}

/** What the rule `logitscmp` shows. */
const LOGITSCMP_METRICS: readonly OptionalKey[] = ['l1Norm', 'ulpMaxDiff', 'ulp']

/**
 * The rule of `msit llm logitscmp`: cosine similarity above 0.999, KL divergence below 0.0001 and the magnitude of the L1 norm
 * below 0.01, unless `thresholds` says otherwise; or the maxima are within one ULP of `dtype` (fp16, if it is left out) at the same
 * vocab id. The removed tool did not look at the id, and took any negative L1 norm.
 * @throws GoldenLogitsError `invalid-argument` for options that are rules of their own
 */
function withLogitscmp(settings: CompareSettings): CompareSettings {
  const others = {
    calibration: settings.calibration,
    baseline: settings.baseline,
    "rounding: 'aware'": settings.rounding === 'aware' || undefined,
  }
  const other = Object.entries(others).find(([, value]) => value !== undefined)?.[0]
  if (other !== undefined) throw invalidArgument(`rule 'logitscmp' has its own limits: leave out ${other}`)
  return {
    ...settings,
    precision: settings.precision ?? 'fp16',
    limits: { klDivergence: 0.0001, cosineSimilarity: 0.999, ...settings.limits },
    metricLimits: { l1Norm: 0.01, ...settings.metricLimits },
    metrics: OPTIONAL.map(({ key }) => key).filter(
      (key) => settings.metrics.includes(key) || LOGITSCMP_METRICS.includes(key),
    ),
    rounding: 'reference',
  }
}

function checkTokenIds(ids: unknown): TokenIds | undefined {
  if (ids === undefined) return undefined
  const example = '{ golden: [17, 3], dump: [17, 5] }'
  const given = checkObject<TokenIds>('tokenIds', ids, ['golden', 'dump'], example)
  for (const side of ['golden', 'dump'] as const) {
    const list: unknown = given[side]
    const isList = Array.isArray(list) || (ArrayBuffer.isView(list) && !(list instanceof DataView))
    if (!isList || !Array.from(list as ArrayLike<unknown>).every(isStep)) {
      throw invalidArgument(
        `tokenIds.${side} must list the vocab id of each step, as in ${example}, got ${describeValue(list)}`,
      )
    }
  }
  return given as TokenIds
}

type Limits = Pick<CompareSettings, 'limits' | 'runLimits' | 'metrics' | 'metricLimits'>

/** @param asked the option `metrics`; metrics with a limit join them */
function checkThresholds(thresholds: unknown, asked: readonly OptionalKey[]): Limits {
  if (thresholds === undefined) return { limits: {}, runLimits: {}, metrics: asked, metricLimits: {} }
  if (typeof thresholds !== 'object' || thresholds === null) {
    const value = describeValue(thresholds)
    throw invalidArgument(`thresholds must be an object such as { klDivergence: 0.01 }, got ${value}`)
  }
  refuseUnknown('threshold', thresholds, [...GATED.map(({ key }) => key), ...RUN_KEYS, ...LIMITED_KEYS])
  const runLimits = checkRunLimits(thresholds as Record<string, unknown>)
  const limits: Partial<Record<GatedKey, number>> = {}
  for (const { key, gate } of GATED) {
    const limit = checkLimit(thresholds, key, gate)
    if (limit !== undefined) limits[key] = limit
  }
  const metricLimits = checkMetricLimits(thresholds)
  refuseIdleLimits(limits, runLimits, Object.values(metricLimits))
  const metrics = OPTIONAL.map(({ key }) => key).filter((key) => asked.includes(key) || key in metricLimits)
  return { limits, runLimits, metrics, metricLimits }
}

function checkSteps(steps: CompareOptions['steps']): Pick<CompareSettings, 'wants' | 'listed' | 'range'> {
  if (steps === undefined) return { wants: () => true, listed: [], range: undefined }
  if (Array.isArray(steps)) {
    const wrong = steps.find((step) => !isStep(step))
    if (wrong !== undefined || steps.length === 0) {
      const value = steps.length === 0 ? 'an empty list' : describeValue(wrong)
      throw invalidArgument(`steps must list whole numbers from 0, got ${value}`)
    }
    const requested = new Set<number>(steps)
    return { wants: (step) => requested.has(step), listed: [...requested].sort((a, b) => a - b), range: undefined }
  }
  if (typeof steps !== 'object' || steps === null) {
    throw invalidArgument(`steps must be a list or { from, to }, got ${describeValue(steps)}`)
  }
  refuseUnknown('end of steps', steps, ['from', 'to'])
  const { from = 0, to } = steps as { from?: number; to?: number }
  const last = to ?? Number.MAX_SAFE_INTEGER
  if (!isStep(from) || !isStep(last) || from > last) {
    const values = `${describeValue(from)} to ${describeValue(last)}`
    throw invalidArgument(`steps must run from a whole number to one that is not below it, got ${values}`)
  }
  return { wants: (step) => step >= from && step <= last, listed: [], range: { from, to } }
}

function isStep(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
