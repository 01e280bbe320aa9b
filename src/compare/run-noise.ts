import { info, type Note, warning } from '../lib/note.js'
import type { Results } from '../measure/results.js'
import { median } from '../metrics/median.js'
import type { RoundedPrecision } from '../metrics/noise.js'
import { roundedAway } from './rounded-away.js'
import { StepRanges } from './step-ranges.js'
import type { RunNoise } from './types.js'

/** Fewer tokens show nothing of a run. */
const LEAST_TOKENS = 10

/** With at least this many tokens, the median of an honest run is closer to its model's. */
const MANY_TOKENS = 32

/** The worst of honest runs is 2.3 for 10 tokens and 1.3 for 50. */
const MOST_DIVERGENCE_RATIO = 3

interface RunLimits {
  /** The median of the relative spreads, for few and for many tokens. */
  readonly spread: readonly [few: number, many: number]
  /** How far the ratio of standard deviations may be from 1, on one token, and in the median of all. */
  readonly ratioOfOne: number
  readonly ratioOfAll: number
}

/**
 * Measured on a small model (docs/trust.md), whose noise is above that of large ones: of 646 honest tokens the worst has a ratio
 * 0.0127 from 1 (bf16) and 0.0020 (fp16).
 */
const LIMITS: Readonly<Record<RoundedPrecision, RunLimits>> = {
  bf16: { spread: [2 ** -5, 2 ** -5.5], ratioOfOne: 2 ** -6, ratioOfAll: 0.01 },
  fp16: { spread: [2 ** -8, 0.0035], ratioOfOne: 2 ** -8, ratioOfAll: 0.002 },
}

/**
 * The statistics of the comparable tokens, and what is unusual about them. They show what no token shows: noise, or a factor that is
 * too small to see on one of them.
 * @param isComparable whether the token with that index counts
 * @param isAccepted the caller set limits or chose the reference rule: then the notes are for information
 * @param fails a token fails, which says more than it does to a sum: only the medians are of interest
 */
export function noiseNotes(
  results: Results,
  isComparable: (index: number) => boolean,
  precision: RoundedPrecision,
  isAccepted: boolean,
  fails: boolean,
): { run: RunNoise | undefined; notes: Note[] } {
  const { spread, ratioOfOne, ratioOfAll } = LIMITS[precision]
  const { run, scaled } = runNoiseOf(results, isComparable, ratioOfOne)
  const texts: string[] = []
  if (run) {
    const { tokens, medianSpread, divergenceRatio, deviationRatio } = run
    const most = tokens < MANY_TOKENS ? spread[0] : spread[1]
    if (medianSpread > most) {
      const text = `median relative spread ${roundedAway(medianSpread, most, 3)} of ${tokens} tokens is above ${roundedAway(most, medianSpread, 3)}`
      texts.push(`${text}: a noisier kernel than ${precision} makes, or a factor on the logits`)
    }
    if (Math.abs(deviationRatio - 1) > ratioOfAll) {
      const text = `the dump's logits deviate ${roundedAway(deviationRatio, 1 + ratioOfAll, 5)} times as much as the golden's in the median of ${tokens} tokens`
      texts.push(`${text}, more than ${ratioOfAll} from 1: a factor on the logits`)
    }
    if (!fails && divergenceRatio > MOST_DIVERGENCE_RATIO) {
      const text = `the KL divergence of ${tokens} tokens is ${roundedAway(divergenceRatio, MOST_DIVERGENCE_RATIO, 3)} times what ${precision} does at these logits, above ${MOST_DIVERGENCE_RATIO}`
      texts.push(`${text}: damage in the most probable vocab ids`)
    }
  }
  if (!fails && scaled.length > 0) {
    const verb = scaled.length === 1 ? 'has' : 'have'
    texts.push(
      `${scaled} ${verb} a ratio of standard deviations more than ${ratioOfOne} from 1: a factor on the logits`,
    )
  }
  const settle = 'set the limits that you accept by the option thresholds'
  return { run, notes: texts.map((text) => (isAccepted ? info(text) : warning(text, settle))) }
}

/**
 * @returns `run`: undefined if fewer than `LEAST_TOKENS` have a known noise; `scaled`: tokens on which the ratio of standard
 * deviations is too far from 1
 */
function runNoiseOf(results: Results, isComparable: (index: number) => boolean, ratioOfOne: number) {
  const spreads = new Float64Array(results.length)
  const ratios = new Float64Array(results.length)
  const scaled = new StepRanges()
  let [tokens, divergence, expected] = [0, 0, 0]
  for (let i = 0; i < results.length; i++) {
    const noise = isComparable(i) ? results.noiseAt(i) : undefined
    if (noise === undefined || !(noise.goldenDeviation > 0)) continue
    const ratio = noise.dumpDeviation / noise.goldenDeviation
    if (Math.abs(ratio - 1) > ratioOfOne) scaled.add(results.stepAt(i))
    if (Number.isNaN(noise.relativeSpread)) continue
    spreads[tokens] = noise.relativeSpread
    ratios[tokens] = ratio
    if (!Number.isNaN(noise.expectedDivergence)) {
      divergence += results.metric(i, 'klDivergence')
      expected += noise.expectedDivergence
    }
    tokens++
  }
  if (tokens < LEAST_TOKENS) return { run: undefined, scaled }
  const run: RunNoise = {
    tokens,
    medianSpread: median(spreads, tokens),
    divergenceRatio: expected > 0 ? divergence / expected : divergence > 0 ? Number.POSITIVE_INFINITY : 0,
    deviationRatio: median(ratios, tokens),
  }
  return { run, scaled }
}
