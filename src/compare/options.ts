import { describeValue, invalidArgument, printable } from '../errors.js'
import { isThreadCount, MOST_THREADS } from './threads/thread-count.js'
import { PRECISIONS, type PrecisionName, precisionNamed } from './thresholds.js'
import type { Precision } from './types.js'

/** Options of a comparison, shared by `compareDumps` and the matchers. */
export interface CompareOptions {
  /**
   * The precision the dumps were computed in, which chooses the thresholds: `bf16`, `fp16` or `fp32`; names such as
   * `bfloat16` and `torch.float16` are understood. Left out: the coarser dtype of the two dumps.
   */
  dtype?: PrecisionName
  /** Limits that replace those of the precision. */
  thresholds?: {
    /** KL divergence in nats must be below; above 0. */
    klDivergence?: number
    /** Cosine similarity must be above; in [−1, 1). */
    cosineSimilarity?: number
  }
  /** Compare these steps only: a list, or a range with both ends included. Left out: every step. */
  steps?: readonly number[] | { from?: number; to?: number }
  /** Compare the first so many columns only, where a side pads its vocabulary. The probability cut off is reported. */
  vocabSize?: number
  /** Whether a step that only the golden holds fails the comparison (`fail`, the default) or is only listed. */
  missing?: 'fail' | 'allow'
  /** Whether a step that only the dump holds fails the comparison (`fail`, the default) or is only listed. */
  extra?: 'fail' | 'allow'
  /**
   * What to do with the steps after the first one whose top-1 differs, where greedy decoding has gone on with another
   * text: `gate` them as any other (the default), or `ignore` them: measured and listed, but not held to the limits.
   */
  afterDivergence?: 'gate' | 'ignore'
  /**
   * On how many threads to measure, the calling one included: from 1 to 64. Left out: what the environment variable
   * `GOLDEN_LOGITS_THREADS` says, else this process's share of the processors. The result does not depend on it.
   */
  threads?: number
}

/** The options, checked, with their defaults filled in. */
export interface CompareSettings {
  precision: Precision | undefined
  klDivergence: number | undefined
  cosineSimilarity: number | undefined
  wants: (step: number) => boolean
  /** Steps asked for one by one: each must be there on one side at least. */
  listed: readonly number[]
  vocabSize: number | undefined
  missing: 'fail' | 'allow'
  extra: 'fail' | 'allow'
  afterDivergence: 'gate' | 'ignore'
  threads: number | undefined
}

const OPTIONS = ['dtype', 'thresholds', 'steps', 'vocabSize', 'missing', 'extra', 'afterDivergence', 'threads'] as const

/** @throws GoldenLogitsError `invalid-argument` for an unknown option or a value that no comparison could mean */
export function checkOptions(options: CompareOptions = {}): CompareSettings {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalidArgument(`the options must be an object such as { dtype: 'bf16' }, got ${describeValue(options)}`)
  }
  refuseUnknown('option', options, OPTIONS)
  const { thresholds = {}, vocabSize, steps } = options
  if (typeof thresholds !== 'object' || thresholds === null) {
    throw invalidArgument(
      `thresholds must be an object such as { klDivergence: 0.01 }, got ${describeValue(thresholds)}`,
    )
  }
  refuseUnknown('threshold', thresholds, ['klDivergence', 'cosineSimilarity'])
  if (vocabSize !== undefined && !(Number.isSafeInteger(vocabSize) && vocabSize >= 1)) {
    throw invalidArgument(`vocabSize must be a whole number from 1, got ${describeValue(vocabSize)}`)
  }
  const { threads } = options
  if (threads !== undefined && !isThreadCount(threads)) {
    throw invalidArgument(`threads must be a whole number from 1 to ${MOST_THREADS}, got ${describeValue(threads)}`)
  }
  return {
    precision: options.dtype === undefined ? undefined : checkPrecision(options.dtype),
    klDivergence: checkLimit('klDivergence', thresholds.klDivergence, (x) => x > 0, 'above 0'),
    cosineSimilarity: checkLimit(
      'cosineSimilarity',
      thresholds.cosineSimilarity,
      (x) => x >= -1 && x < 1,
      'in [-1, 1)',
    ),
    ...checkSteps(steps),
    vocabSize,
    missing: checkChoice('missing', options.missing, ['fail', 'allow']),
    extra: checkChoice('extra', options.extra, ['fail', 'allow']),
    afterDivergence: checkChoice('afterDivergence', options.afterDivergence, ['gate', 'ignore']),
    threads,
  }
}

function refuseUnknown(what: string, object: object, known: readonly string[]): void {
  const unknown = Object.keys(object).find((key) => !known.includes(key))
  if (unknown !== undefined)
    throw invalidArgument(`there is no ${what} '${printable(unknown, 40)}'; there are ${known.join(', ')}`)
}

function checkPrecision(name: unknown): Precision {
  const precision = typeof name === 'string' ? precisionNamed(name) : undefined
  if (!precision)
    throw invalidArgument(`dtype must be one of ${PRECISIONS.join(', ')} or an alias, got ${describeValue(name)}`)
  return precision
}

function checkLimit(name: string, value: unknown, fits: (x: number) => boolean, range: string): number | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'number' && fits(value)) return value
  throw invalidArgument(`the threshold ${name} must be a number ${range}, got ${describeValue(value)}`)
}

function checkChoice<T extends string>(name: string, value: unknown, choices: readonly [T, ...T[]]): T {
  if (value === undefined) return choices[0]
  const choice = choices.find((c) => c === value)
  if (choice === undefined)
    throw invalidArgument(`${name} must be '${choices.join("' or '")}', got ${describeValue(value)}`)
  return choice
}

function checkSteps(steps: CompareOptions['steps']): Pick<CompareSettings, 'wants' | 'listed'> {
  if (steps === undefined) return { wants: () => true, listed: [] }
  if (Array.isArray(steps)) {
    const wrong = steps.find((step) => !isStep(step))
    if (wrong !== undefined || steps.length === 0) {
      const found = steps.length === 0 ? 'an empty list' : describeValue(wrong)
      throw invalidArgument(`steps must list whole numbers from 0, got ${found}`)
    }
    const wanted = new Set<number>(steps)
    return { wants: (step) => wanted.has(step), listed: [...wanted].sort((a, b) => a - b) }
  }
  if (typeof steps !== 'object' || steps === null) {
    throw invalidArgument(`steps must be a list or { from, to }, got ${describeValue(steps)}`)
  }
  refuseUnknown('end of steps', steps, ['from', 'to'])
  const { from = 0, to = Number.MAX_SAFE_INTEGER } = steps as { from?: number; to?: number }
  if (!isStep(from) || !isStep(to) || from > to) {
    throw invalidArgument(
      `steps must run from a whole number to one not below it, got ${describeValue(from)} to ${describeValue(to)}`,
    )
  }
  return { wants: (step) => step >= from && step <= to, listed: [] }
}

function isStep(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
