import { printable } from '../../errors.js'
import { info, type Note, warning } from '../../lib/note.js'
import { short } from '../../lib/number-text.js'
import { isLinked } from '../../measure/linked-files.js'
import { largestDivergence } from '../../metrics/expected-divergence.js'
import { SPREADS } from '../../metrics/near-tie.js'
import { isFiner } from '../../metrics/precision.js'
import { QUANTITIES, quantityNamed } from '../calibration/quantities.js'
import { isFlip } from '../divergence.js'
import { roundedAway } from '../rounded-away.js'
import type { BaselineFacts, Precision, RunVerdict, TokenComparison, TokenSide } from '../types.js'
import { allowance, type Baseline, enough, expectedByLaw, LEAST_TOKENS, middle } from './rule.js'

/** Why nothing shows which error is accepted at a token; undefined if the baseline was measured there. */
export function baselineProblem(baseline: Baseline, step: number, position: number | undefined): string | undefined {
  const token = baseline.at(step, position)
  if (token === undefined || token.verdict === 'missing') {
    return `the baseline does not hold token ${step}, so nothing shows which error is accepted there; name a baseline of the same text, or leave the token out by the option steps`
  }
  if (token.verdict === 'not-comparable') return 'the baseline had read another text than the golden'
  if (token.metrics && !token.bounds) return undefined
  // The comparison of the baseline with the golden calls the baseline the dump.
  const reason = token.reason.replaceAll('the dump', 'the baseline').replaceAll(/\bdump\b/g, 'baseline')
  return `the baseline is ${token.verdict} against the golden: ${reason}`
}

/** What a token of the tested side does beyond its allowance, and what it was allowed. */
export function judgeByBaseline(
  baseline: Baseline,
  tested: TokenComparison,
  tokens: number,
): { readonly reasons: string[]; readonly facts: BaselineFacts } {
  const accepted = baseline.at(tested.step, tested.position)!
  const allowed = allowance(baseline, accepted, tested, tokens)
  const reasons = QUANTITIES.flatMap((quantity) => {
    const limit = allowed[quantity.key as keyof typeof allowed]
    const value = quantity.value(tested)
    if (limit === undefined || value === undefined || value <= limit) return []
    const error = quantity.value(accepted)
    const own = error === undefined ? '' : `, where the baseline has ${short(error)}`
    return [
      `${quantity.label} ${roundedAway(value, limit, 3)} is above ${roundedAway(limit, value, 3)}${own} (baseline)`,
    ]
  })
  const top1 = accepted.dump?.top1
  const facts: BaselineFacts = {
    klDivergence: accepted.metrics!.klDivergence,
    allowedKl: allowed.klDivergence,
    ...(accepted.noise && { relativeSpread: accepted.noise.relativeSpread }),
    ...(allowed.relativeSpread !== undefined && { allowedSpread: allowed.relativeSpread }),
    ...(top1 !== undefined && { top1 }),
  }
  return { reasons, facts }
}

/**
 * Whether a flip is accepted: the baseline prefers the same vocab id, or the noise of the baseline, times the factor, moves logits that
 * far (the rule of near-ties, with that noise in place of the row's).
 */
export function isAcceptedFlip(baseline: Baseline, tested: TokenComparison): boolean {
  const accepted = baseline.at(tested.step, tested.position)
  if (accepted !== undefined && isFlip(accepted) && accepted.dump?.top1 === tested.dump?.top1) return true
  const deviation = tested.noise?.goldenDeviation ?? 0
  return (tested.flip?.movement ?? 0) <= baseline.factor * SPREADS * (baseline.medianSpread ?? 0) * deviation
}

/** What the baseline does where the tested side flips. */
export function flipOfBaseline(baseline: Baseline, { step, position, golden }: TokenComparison): string {
  const accepted = baseline.at(step, position)
  if (accepted?.dump?.top1 === undefined) return ''
  return accepted.dump.top1 === golden?.top1
    ? '; the baseline keeps the top-1 of the golden'
    : `; the baseline prefers vocab id ${accepted.dump.top1}`
}

/** Judges the run of the tested side by that of the baseline. @param tokens of the tested side that are comparable */
export function judgeRunByBaseline(tokens: Iterable<TokenComparison>, baseline: Baseline): RunVerdict[] {
  const sums = { tested: 0, accepted: 0, expected: 0, squares: 0 }
  const values = { relativeSpread: [] as number[], scaleError: [] as number[], errorPeak: [] as number[] }
  let count = 0
  for (const token of tokens) {
    const accepted = baseline.at(token.step, token.position)
    if (!token.metrics || !accepted?.metrics || accepted.verdict === 'not-comparable') continue
    count++
    sums.tested += token.metrics.klDivergence
    sums.accepted += accepted.metrics.klDivergence
    const expected = expectedByLaw(baseline, accepted) ?? 0
    sums.expected += expected
    sums.squares += expected * expected
    for (const key of Object.keys(values) as (keyof typeof values)[]) {
      const value = quantityNamed(key).value(token)
      if (value !== undefined && !Number.isNaN(value)) values[key].push(value)
    }
  }
  if (count < LEAST_TOKENS) return []
  const { medianSpread, highestScaleError, medianPeak } = baseline
  // By luck a baseline may be nearer to the golden than its noise makes it, and a few uncertain tokens may make most of a sum.
  const most = largestSum(sums.expected, sums.squares) / baseline.factorOver(count) ** 2
  const accepted = Math.max(sums.accepted, sums.expected, most)
  const [tested, allowed] = [Math.sqrt(sums.tested / count), Math.sqrt(accepted / count)]
  const medianOf = (key: keyof typeof values) => middle(enough(values[key]))
  const factors = [
    ['klFactor', 'root of the mean KL divergence', tested, allowed, "baseline's"],
    ['spreadFactor', 'median relative spread', medianOf('relativeSpread'), medianSpread, "baseline's"],
    ['scaleFactor', 'median scale error', medianOf('scaleError'), highestScaleError, "baseline's highest"],
    ['peakFactor', 'median error peak', medianOf('errorPeak'), medianPeak, "baseline's"],
  ] as const
  const limit = baseline.factorOver(count)
  return factors.flatMap(([key, label, value, accepted, whose]): RunVerdict[] => {
    if (value === undefined || accepted === undefined) return []
    const ratio = value === 0 ? 0 : value / accepted
    const isOver = ratio > limit
    const what = `${label} of ${count} tokens is ${roundedAway(ratio, limit, 3)} times the ${whose}, ${short(accepted)}`
    const reason = `${what}, ${isOver ? 'more than' : 'at most'} ${limit} (baseline)`
    const verdict = isOver ? 'over-threshold' : 'pass'
    return [{ key, limit, verdict, lo: ratio, hi: ratio, tokens: count, reason }]
  })
}

/** How often the noise of a baseline makes more than `largestSum` in a run. */
const RUN_ALARMS = 1e-5

/**
 * The most that the noise of the baseline makes of a sum of KL divergences.
 * @param expected the sum of H
 * @param squares the sum of H²: one degree of freedom a token, so that the sum has (Σ H)² / Σ H²
 */
function largestSum(expected: number, squares: number): number {
  if (!(expected > 0)) return 0
  return largestDivergence({ mean: expected, freedom: (expected * expected) / squares }, 1, RUN_ALARMS)
}

/**
 * Whether every token has the errors of the baseline, digit for digit: read from the files of the baseline, which always pass by
 * their own errors, or with the same numbers, as of a build that computes as before. Rows equal to the golden show nothing.
 */
export function equalToBaseline(
  tokens: Iterable<TokenComparison>,
  baseline: Baseline,
): 'same-files' | 'same-numbers' | undefined {
  let [isOff, areFilesSame] = [false, true]
  for (const { step, position, metrics, dump } of tokens) {
    const accepted = baseline.at(step, position)
    if (!metrics || !accepted?.metrics) continue
    if (metrics.klDivergence !== accepted.metrics.klDivergence) return undefined
    if (metrics.cosineSimilarity !== accepted.metrics.cosineSimilarity) return undefined
    isOff ||= metrics.klDivergence > 0
    areFilesSame &&= areSameFiles(dump!, accepted.dump!)
  }
  if (!isOff) return undefined
  return areFilesSame ? 'same-files' : 'same-numbers'
}

function areSameFiles(a: TokenSide, b: TokenSide): boolean {
  return a.files.some((file) => b.files.includes(file)) || isLinked(a, b)
}

/** What was taken for accepted. @param asked the option `baselineFactor` is set */
export function baselineNotes(
  { path, precision, factor, tokens }: Baseline,
  golden: Precision,
  asked: boolean,
  comparable: number,
): Note[] {
  const facts = `${printable(path, 200)} (${precision}, ${tokens} tokens)`
  const notes = [info(`errors pass up to ${factor} times the errors of the baseline ${facts}`)]
  const note = (text: string) => notes.push(asked ? info(text) : warning(text, `set baselineFactor: ${factor}`))
  if (!isFiner(golden, precision)) {
    const equal = `the golden is ${golden}, no finer than the baseline (${precision})`
    note(`${equal}: its own error is in both, so that faults of its size pass`)
  }
  const shared = Math.min(tokens, comparable)
  if (shared < LEAST_TOKENS) {
    const few = `too few comparable tokens to judge the run by the baseline (${shared} of at least ${LEAST_TOKENS})`
    note(`${few}: its tokens alone decided`)
  }
  return notes
}
