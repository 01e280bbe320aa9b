import type { Dump } from '../dumps/types.js'
import { type List, listOf } from '../lib/lazy-list.js'
import { info, type Note, sideNotes, textsOf, warning } from '../lib/note.js'
import { counted } from '../lib/number-text.js'
import type { PairShape } from '../measure/pair-shape.js'
import type { Results } from '../measure/results.js'
import { baselineNotes, equalToBaseline, judgeRunByBaseline } from './baseline/judge.js'
import type { Baseline } from './baseline/rule.js'
import { calibratedRunLimits, calibrationNotes, gatedLimits, goldenPrecision, ranksOf } from './calibration/judge.js'
import { comparableTokens, earlierEnd, inconclusiveReason, setAside, setAsideNotes } from './comparable.js'
import { noteUnless } from './equal-notes.js'
import { isWithin, type JudgeSettings, judge } from './judge.js'
import type { CompareSettings } from './options.js'
import { ruleOf } from './rounding.js'
import { knownNotes, rankNotes } from './row-notes.js'
import { closeCalls, failsRun, judgeRun } from './run-limits.js'
import { noiseNotes } from './run-noise.js'
import { addDtypes, SideDtypes } from './side-dtypes.js'
import { RangesByKey, StepRanges } from './step-ranges.js'
import { tally } from './tally.js'
import { inferPrecision, type ShownDtype, thresholdsOf } from './thresholds.js'
import type { ListedComparison, Precision, TokenComparison } from './types.js'

/**
 * Draws every verdict, once all rows are measured: without the option `dtype` the limits depend on all of them.
 * @param undecided why the row that was measured of a step may not be the token's, by step
 */
export function conclude(
  dump: Dump,
  golden: Dump,
  results: Results,
  alignmentNotes: readonly Note[],
  settings: CompareSettings,
  undecided: ReadonlyMap<number, string>,
): ListedComparison {
  const { dtypes, isMixed, notes: rowNotes } = outcomeFacts(results, undecided, settings.precision !== undefined)
  const precision = settings.precision ?? inferPrecision(dtypes)
  const { calibration: used, measuredBaseline: baseline } = settings
  const byHand = { ...(used && gatedLimits(used.calibration)), ...settings.limits }
  const thresholds = thresholdsOf(precision, byHand, settings.metricLimits)
  const isByHand = Object.keys(settings.limits).length > 0
  const judging: JudgeSettings = {
    ...settings,
    rule: ruleOf(settings, results.length),
    ignoresNoise: settings.precision === undefined && isMixed,
    baseline,
    // Limits by hand accept what is within them.
    failsFlips: settings.afterDivergence === 'auto' && !isByHand,
  }
  const judged = listOf(results.length, (index) => {
    const pair = results.at(index)!
    return judge(pair, thresholds, judging, undecided.get(pair.step))
  })
  const end = results.length === 0 ? undefined : earlierEnd(judged, results, settings)
  const tokens = end === undefined ? judged : setAside(end, judged)
  const isBefore = (index: number) => end === undefined || index <= end.index
  const isComparable = (index: number) => isBefore(index) || !end!.isForAll
  const limitsMetrics = Object.keys(settings.metricLimits).length > 0
  const { counts, firstFailure, excused, allowed } = tally(tokens, (index) => {
    // A calibration, a baseline and limits of optional metrics limit more than the metrics that follow here.
    if (used || baseline || limitsMetrics || !isComparable(index)) return false
    if (!results.plainShape(index) || !results.hasInformation(index)) return false
    if (results.hasFlip(index) || !Number.isNaN(results.noiseAt(index)?.freedom ?? Number.NaN)) return false
    return isWithin((key) => results.metric(index, key), thresholds)
  })
  const comparable = counts.compared - counts.notComparable
  /** What the calibration or the baseline rests on. */
  const basisNotes = (): Note[] => {
    const shown = goldenPrecision({ tokens })
    if (baseline) {
      const equal = equalToBaseline(comparableTokens(tokens, end), baseline)
      return [
        ...(equal === 'same-files' ? [noteUnless('identical', settings, IS_BASELINE)] : []),
        ...(equal === 'same-numbers' ? [info(LIKE_BASELINE)] : []),
        ...baselineNotes(baseline, shown, settings.baselineFactor !== undefined, comparable),
      ]
    }
    if (!used) return []
    const key = { dtype: precision, golden: shown, ranks: ranksOf({ tokens }), dumpPath: dump.path }
    return calibrationNotes(used, key, { ...settings.limits, ...settings.runLimits }, comparable)
  }
  const run = judgeRun(comparableTokens(tokens, end), {
    ...(used && calibratedRunLimits(used.calibration, comparable)),
    ...settings.runLimits,
  })
  if (baseline) run.push(...judgeRunByBaseline(comparableTokens(tokens, end), baseline))
  const isPassed = firstFailure === undefined && counts.compared > 0 && !run.some(failsRun)
  const tooShort = run.find(({ verdict }) => verdict === 'too-short')
  // By other limits, what is undecided may pass.
  const tooFew =
    inconclusiveReason(comparable + counts.failed, tokens.length - allowed, settings, end) ?? tooShort?.reason
  const inconclusive = isPassed ? tooFew : undefined
  const isReference = isByHand || used !== undefined || baseline !== undefined || settings.rounding === 'reference'
  const noise =
    precision === 'fp32' || judging.ignoresNoise
      ? undefined
      : noiseNotes(results, isBefore, precision, isReference, firstFailure !== undefined)
  // Of rows that hold NaN or no information, the limits decide nothing.
  const isJudged = counts.compared > 0 || firstFailure?.verdict === 'undecided'
  // Notes that may explain a failure come first: a message shows a few.
  const notes: Note[] = [
    ...run.filter(({ verdict }) => verdict !== 'pass').map(({ reason }) => info(reason)),
    ...alignmentNotes,
    ...(counts.compared > 0 ? basisNotes() : []),
    // Measured limits allow for the error of the statistic.
    ...closeCalls(run.filter(({ key }) => Object.hasOwn(settings.runLimits, key))),
    ...(end === undefined ? [] : setAsideNotes(end, judged)),
    ...(noise?.notes ?? []),
    ...excused.notes(precision, settings),
    ...allowedNotes(judged, end === undefined ? judged.length : end.index + 1, settings),
    ...dumpNotes('golden', golden),
    ...dumpNotes('dump', dump),
    ...rowNotes,
    ...rankNotes(results, thresholds),
    ...knownNotes(results, golden, dump),
    ...(settings.precision === undefined && isJudged ? [precisionNote(precision, dtypes)] : []),
  ]
  const texts = textsOf(notes)
  const { strict, decoding } = settings
  return {
    // Tokens that are all excused would be a pass of nothing.
    pass: isPassed && inconclusive === undefined && !(strict && texts.warnings.length > 0),
    ...(inconclusive !== undefined && { inconclusive }),
    tokens,
    ...(firstFailure && { firstFailure }),
    counts,
    // A copy: a caller who changes it must not change the verdicts that are still to be drawn.
    thresholds: { ...thresholds },
    ...(settings.metrics.length > 0 && { metrics: settings.metrics }),
    ...(noise?.run && { noise: noise.run }),
    ...(used && { calibration: used.calibration }),
    ...(baseline && { baseline: factsOf(baseline) }),
    ...(run.length > 0 && { run }),
    comparable: () => comparableTokens(tokens, end),
    allowed,
    ...(tooFew !== undefined && { tooFew }),
    ...texts,
    strict,
    ...(decoding !== undefined && { decoding }),
    goldenPath: golden.path,
    dumpPath: dump.path,
  }
}

const IS_BASELINE = 'the dump is the baseline itself, read from the same files, and passes by its own errors'
const LIKE_BASELINE =
  'every token has the errors of the baseline, digit for digit: the dump reproduces the baseline, or is a copy of it'

function factsOf({ path, factor, precision, tokens }: Baseline): ListedComparison['baseline'] {
  return { path, factor, precision, tokens }
}

function precisionNote(precision: Precision, dtypes: readonly ShownDtype[]): Note {
  const isShown = precision !== 'fp16' || !dtypes.includes('hidden') || dtypes.includes('float16')
  if (isShown) return info(`dtype ${precision} taken from the dumps`)
  const text = `log-probabilities do not show the precision of their build: the limits of ${precision} are taken`
  return warning(text, `set dtype: '${precision}'`)
}

/** The tokens that `missing: 'allow'` or `extra: 'allow'` excuses; those from `end` on are excused by the divergence. */
function allowedNotes(tokens: List<TokenComparison>, end: number, settings: CompareSettings): Note[] {
  if (settings.missing === 'fail' && settings.extra === 'fail') return []
  const excused = { missing: new StepRanges(), extra: new StepRanges() }
  for (let i = 0; i < end; i++) {
    const { verdict, pass, step } = tokens.at(i)!
    if (pass && (verdict === 'missing' || verdict === 'extra')) excused[verdict].add(step)
  }
  return (['missing', 'extra'] as const).flatMap((name) => {
    const steps = excused[name]
    if (steps.length === 0) return []
    const text = `${steps} ${steps.length === 1 ? 'is' : 'are'} ${name}, excused by ${name}: 'allow'`
    const most = 2 * steps.length > tokens.length ? `, which are ${steps.length} of ${tokens.length} tokens` : ''
    return [warning(text + most, 'leave out these tokens by the option steps')]
  })
}

/** What all outcomes of a comparison say together. */
interface OutcomeFacts {
  /** Of both sides, if both rows were read. */
  readonly dtypes: readonly ShownDtype[]
  /** The rows of a side were not all computed in one precision. */
  readonly isMixed: boolean
  /** What the sources chose or left out, each once with the tokens it is about, and what was cut. */
  readonly notes: readonly Note[]
}

/**
 * @param undecided steps that are not compared, though their rows were measured
 * @param isChosen the option `dtype` is set
 */
function outcomeFacts(results: Results, undecided: ReadonlyMap<number, string>, isChosen: boolean): OutcomeFacts {
  const dtypes = { golden: new SideDtypes(), dump: new SideDtypes() }
  const steps = new RangesByKey<string>()
  const cut = { golden: { columns: 0, mass: 0 }, dump: { columns: 0, mass: 0 } }
  let seen: PairShape | undefined
  for (let i = 0; i < results.length; i++) {
    const shape = results.plainShape(i)
    if (shape) {
      if (shape !== seen) addDtypes(dtypes, shape)
      seen = shape
      continue
    }
    const pair = results.at(i)!
    if (undecided.has(pair.step)) continue
    const { outcome } = pair
    for (const note of outcome?.notes ?? []) steps.add(note, pair)
    if (outcome?.kind !== 'compared' && outcome?.kind !== 'bounded') continue
    addDtypes(dtypes, outcome)
    if (!outcome.cut) continue
    for (const side of ['golden', 'dump'] as const) {
      cut[side].columns = Math.max(cut[side].columns, outcome.cut[`${side}Columns`])
      cut[side].mass = Math.max(cut[side].mass, outcome.cut[`${side}Mass`])
    }
  }
  const notes = [...steps].map(([note, ranges]) => info(`${ranges}: ${note}`))
  const saved = [...dtypes.golden.notes('golden', isChosen), ...dtypes.dump.notes('dump', isChosen)]
  return {
    dtypes: [...dtypes.golden.all(), ...dtypes.dump.all()],
    isMixed: dtypes.golden.isMixed || dtypes.dump.isMixed,
    notes: [...notes, ...saved, ...cutNotes('golden', cut.golden), ...cutNotes('dump', cut.dump)],
  }
}

function cutNotes(side: string, { columns, mass }: { columns: number; mass: number }): Note[] {
  if (columns === 0) return []
  return [
    info(
      `${side}: ${counted(columns, 'column')} cut by vocabSize, at most ${mass.toPrecision(3)} of a token's probability`,
    ),
  ]
}

/** What was noted when a side was loaded, and what is ignored of it. */
export function dumpNotes(name: 'golden' | 'dump', dump: Dump): Note[] {
  return [...sideNotes(name, dump.notes), ...ignoredNotes(name, dump)]
}

/** How many paths of a side are ignored, by reason. */
export function ignoredNotes(name: 'golden' | 'dump', { ignored }: Dump): Note[] {
  const reasons = new Map<string, number>()
  for (const { reason } of ignored) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  return [...reasons].map(([reason, times]) => info(`${name}: ${counted(times, 'path')} ignored: ${reason}`))
}
