import { counted } from '../lib/number-text.js'
import { type Outcome, type SeparateRanks, type SideFacts, unreadFacts } from '../measure/outcome.js'
import type { MeasuredPair } from '../measure/results.js'
import type { VocabCut } from '../measure/vocab-cut.js'
import { informationProblem } from '../metrics/information.js'
import type { NearTie } from '../metrics/near-tie.js'
import { optionalMetrics } from '../metrics/optional/table.js'
import { GATED, type GatedKey } from '../metrics/table.js'
import type { MeasuredRows, NonFinite, RowStats } from '../metrics/types.js'
import { baselineProblem, flipOfBaseline, isAcceptedFlip, judgeByBaseline } from './baseline/judge.js'
import type { Baseline } from './baseline/rule.js'
import { flipOf } from './divergence.js'
import { judgeBounds } from './judge-bounds.js'
import { overMetrics } from './metric-limits.js'
import type { CompareSettings } from './options.js'
import { roundedAway } from './rounded-away.js'
import { boundedRounding, judgeMetrics, maximaExcuse, overCosine, overKl, type Rule, tokenNoise } from './rounding.js'
import type { Thresholds, TokenComparison, TokenSide, Verdict } from './types.js'

type GatedMetrics = Readonly<Record<GatedKey, number>>

/**
 * The verdict on one step. Pure: an outcome and limits in, a token out.
 * @param undecided why the row that was compared may not be the token's
 */
export function judge(
  pair: MeasuredPair,
  limits: Thresholds,
  settings: JudgeSettings,
  undecided?: string,
): TokenComparison {
  const token = judgeStep(pair, limits, settings, undecided)
  if (pair.position !== undefined) token.position = pair.position
  return token
}

/** What judging depends on besides the limits. */
export interface JudgeSettings extends Pick<CompareSettings, 'missing' | 'extra' | 'metrics' | 'metricLimits'> {
  readonly rule: Rule
  /** The noise of some rows was measured for another precision. */
  readonly ignoresNoise?: boolean
  /** The errors of an accepted run decide in place of limits. */
  readonly baseline: Baseline | undefined
  /** A flip that rounding does not explain fails its token. */
  readonly failsFlips: boolean
}

function judgeStep(
  pair: MeasuredPair,
  limits: Thresholds,
  settings: JudgeSettings,
  undecided: string | undefined,
): TokenComparison {
  const isRead = pair.outcome?.kind === 'compared' || pair.outcome?.kind === 'bounded'
  if (isRead && undecided !== undefined) {
    const { golden, dump } = pair.outcome!
    return { step: pair.step, verdict: 'shape-mismatch', pass: false, reason: undecided, golden, dump }
  }
  if (pair.outcome) return judgeOutcome(pair, pair.outcome, limits, settings)
  const [name, step] = pair.golden ? (['golden', pair.golden] as const) : (['dump', pair.dump!] as const)
  const [verdict, other] = name === 'golden' ? (['missing', 'dump'] as const) : (['extra', 'golden'] as const)
  return {
    step: pair.step,
    verdict,
    pass: settings[verdict] === 'allow',
    reason: `the ${name} holds token ${pair.step}, the ${other} does not`,
    [name]: unreadFacts(step),
  }
}

function judgeOutcome(
  { step, position }: Pick<MeasuredPair, 'step' | 'position'>,
  outcome: Outcome,
  limits: Thresholds,
  settings: JudgeSettings,
): TokenComparison {
  const { golden, dump } = outcome
  const token = (verdict: Verdict, reason: string, facts: Partial<TokenComparison> = { golden, dump }) => {
    return { step, verdict, pass: verdict === 'pass', reason, ...facts }
  }
  if (outcome.kind !== 'compared' && outcome.kind !== 'bounded') return token(outcome.kind, outcome.reason)
  const { rows, cut } = outcome
  if (rows.kind === 'no-support') {
    const side = rows.side === 'both' ? 'both sides' : `the ${rows.side}`
    return token('non-finite', `every logit of ${side} is -Inf`)
  }
  if (rows.kind === 'non-finite') {
    const reason = [nonFiniteText('golden', rows.golden), nonFiniteText('dump', rows.dump)].filter(Boolean).join('; ')
    return token('non-finite', reason, {
      golden: { ...golden, nonFinite: rows.golden },
      dump: { ...dump, nonFinite: rows.dump },
    })
  }
  const sides: { golden: TokenSide; dump: TokenSide } = sidesOf(golden, dump, rows)
  const noInformation = noInformationReason(sides.golden, sides.dump)
  if (noInformation !== undefined) return token('no-information', noInformation, sides)
  const cutReason = cut && overCut(cut, limits.klDivergence)
  if (cutReason !== undefined) return token('shape-mismatch', cutReason, sides)
  const { baseline } = settings
  const problem = baseline && (rows.kind === 'bounded' ? BOUNDED : baselineProblem(baseline, step, position))
  if (problem !== undefined) return token('undecided', problem, sides)
  if (rows.kind === 'bounded') {
    const { rule, metricLimits } = settings
    const rounding = boundedRounding(rows.noise, golden, limits, rule)
    const { verdict, reason, isExcused } = judgeBounds(rows, limits, metricLimits, rule.isHard.klDivergence, rounding)
    const flip = flipOf(rows.golden, rows.dump, limits.precision, undefined)
    const metrics = rows.klDivergence === undefined ? {} : { metrics: { klDivergence: rows.klDivergence } }
    const facts = { ...metrics, bounds: rows.bounds, ...(flip && { flip }), ...(isExcused && { isExcused }) }
    return token(verdict, reason, { ...facts, ...sides })
  }
  const { suppressedMass: mass, separate, noise: rowsNoise, optional = {} } = outcome as Outcome & { kind: 'compared' }
  const { rule, failsFlips, metrics: asked, metricLimits } = settings
  const rowNoise = settings.ignoresNoise ? undefined : rowsNoise
  const noise = tokenNoise(rowNoise, rule.tokens)
  const flip = flipOf(rows.golden, rows.dump, limits.precision, rowNoise)
  // The ranks have no noise of their own: where they are read in two ways, the reference limits count.
  const { reasons, excuses } = judgeMetrics(rows.metrics, limits, separate ? undefined : noise, rule)
  const facts: Partial<TokenComparison> = { metrics: rows.metrics, ...supportOf(rows) }
  if (flip) facts.flip = flip
  if (noise) facts.noise = noise
  if (Number.isFinite(rowNoise?.topProbability)) facts.topProbability = rowNoise!.topProbability
  const measured = { step, ...(position !== undefined && { position }), ...facts, ...sides } as TokenComparison
  if (baseline) {
    const judged = judgeByBaseline(baseline, measured, rule.tokens)
    reasons.push(...judged.reasons)
    facts.baseline = judged.facts
  }
  const suppressed = overSuppressed(mass, rows.support.goldenOnly, limits.klDivergence)
  if (suppressed !== '') reasons.push(suppressed)
  const extra = asked.length === 0 ? {} : optionalMetrics(asked, optional, rows.golden, rows.dump, limits.precision)
  reasons.push(...overMetrics(extra, metricLimits))
  const isAccepted = flip?.isBenign || (baseline && isAcceptedFlip(baseline, measured))
  if (reasons.length === 0 && failsFlips && flip && !isAccepted) {
    reasons.push(flipReason(rows, flip) + (baseline ? flipOfBaseline(baseline, measured) : ''))
  }
  const excuse = rule.excusesMaxima && reasons.length > 0 && suppressed === '' && separate === undefined
  const maxima = excuse ? maximaExcuse(rows.golden, rows.dump, limits.precision) : undefined
  if (maxima !== undefined) excuses.push(...reasons.splice(0), maxima)
  const reason = reasons.join('; ')
  if (baseline && separate) return token('undecided', twoReadings(separate), sides)
  const apart = separate ? overSeparately(separate, limits) : reason
  if (separate && (apart === '') !== (reason === '')) {
    return token('undecided', disagreement(separate, reason, apart), sides)
  }
  const isExcused = reason === '' && excuses.length > 0
  if (asked.length > 0) facts.metrics = Object.assign({}, rows.metrics, extra)
  if (isExcused) facts.isExcused = true
  Object.assign(facts, sides)
  if (isExcused) return token('pass', excuses.join('; '), facts)
  return token(reason === '' ? 'pass' : 'over-threshold', reason, facts)
}

function flipReason({ golden, dump }: MeasuredRows, { movement, allowed }: NearTie): string {
  const moved = `the logits of vocab ids ${golden.top1} and ${dump.top1} moved by ${roundedAway(movement, allowed, 4)} against each other`
  return `top-1 flips: ${moved}, rounding explains ${roundedAway(allowed, movement, 4)}`
}

function sidesOf(golden: SideFacts, dump: SideFacts, rows: { golden: Partial<RowStats>; dump: Partial<RowStats> }) {
  return { golden: Object.assign({}, golden, rows.golden), dump: Object.assign({}, dump, rows.dump) }
}

/** Why a pair that could be measured proves nothing: one of its rows is no model's. */
function noInformationReason(golden: TokenSide, dump: TokenSide): string | undefined {
  for (const [name, side] of [['golden', golden] as const, ['dump', dump] as const]) {
    const { max, min, mean, shape } = side
    // A compact snapshot knows its rows in part.
    if (max === undefined || min === undefined || mean === undefined) continue
    const problem = informationProblem({ max, min, mean }, shape!.at(-1)!)
    if (problem !== undefined) return `${name}: ${problem}`
  }
  return undefined
}

function supportOf({ support }: MeasuredRows): Pick<TokenComparison, 'support'> {
  return support.bothSuppressed + support.goldenOnly + support.dumpOnly > 0 ? { support } : {}
}

/** All limits are strict: NaN is never within them. */
export function isWithin(metric: (key: GatedKey) => number, limits: GatedMetrics): boolean {
  for (let i = 0; i < GATED.length; i++) {
    const { key, better } = GATED[i]!
    const value = metric(key)
    if (!(better === 'lower' ? value < limits[key] : value > limits[key])) return false
  }
  return true
}

/** What the two readings of ranks give, if only one of them is within the limits. */
function disagreement({ count }: SeparateRanks, joined: string, apart: string): string {
  const [parts, rows] = [joined || WITHIN, apart || WITHIN]
  return `${count} ranks a side of equal width: read as parts of one vocabulary, ${parts}; read as separate rows, ${rows}; load both dumps ${RANKS}`
}

function twoReadings({ count }: SeparateRanks): string {
  return `${count} ranks a side of equal width can be read in two ways, and the baseline in one: load all three ${RANKS}`
}

const BOUNDED =
  'its metrics are known within bounds, which a baseline cannot judge: compare logits, or leave baseline out'
const WITHIN = 'they are within the limits'
const RANKS = "with ranks: 'split' (parts), 'copies' (equal rows) or a number (that rank alone)"

/** Which limits are exceeded if each rank is read as a separate row, in one line; `''` if none is. */
function overSeparately({ worst }: SeparateRanks, limits: GatedMetrics): string {
  const { klDivergence: kl, cosineSimilarity: cosine } = worst
  const reasons = [
    [kl.rank, overKl(kl.value, limits)] as const,
    [cosine.rank, overCosine(cosine.value, limits)] as const,
  ].filter(([, reason]) => reason !== '')
  return reasons.map(([rank, reason]) => `rank ${rank}: ${reason}`).join('; ')
}

/** Why probability on ids that the golden suppresses fails the token; `''` if it is below the KL limit. */
function overSuppressed(mass: number | undefined, ids: number, limit: number): string {
  if (mass === undefined || mass < limit) return ''
  return `the dump gives probability ${roundedAway(mass, limit)} to ${counted(ids, 'vocab id')} that the golden suppresses, not below the KL limit ${limit}`
}

/** Why columns that were cut off are no padding: they hold as much probability as the KL limit. */
export function overCut(cut: VocabCut, limit: number): string | undefined {
  for (const [side, count, mass] of [
    ['golden', cut.goldenColumns, cut.goldenMass] as const,
    ['dump', cut.dumpColumns, cut.dumpMass] as const,
  ]) {
    if (mass < limit) continue
    const held = Number.isNaN(mass) ? 'NaN or +Inf' : `${roundedAway(mass, limit)} of its probability`
    const verb = count === 1 ? 'holds' : 'hold'
    return `the ${counted(count, 'column')} of the ${side} that vocabSize cuts off ${verb} ${held}, not below the KL limit ${limit}`
  }
  return undefined
}

/** `dump holds 3 NaN and 1 +Inf, first at vocab id 17`; `''` if it holds neither. */
export function nonFiniteText(subject: string, { nan, positiveInfinity, firstVocabId }: NonFinite): string {
  const kinds = [nan > 0 ? `${nan} NaN` : '', positiveInfinity > 0 ? `${positiveInfinity} +Inf` : ''].filter(Boolean)
  return kinds.length === 0 ? '' : `${subject} holds ${kinds.join(' and ')}, first at vocab id ${firstVocabId}`
}
