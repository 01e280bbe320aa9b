import { asDumpOrRuns, type DumpOrPath } from '../dumps/as-dump.js'
import type { Dump } from '../dumps/types.js'
import { atCaller } from '../errors.js'
import { measureAll } from '../measure/measure-all.js'
import type { PairList } from '../measure/step-pair.js'
import { align } from './align.js'
import { baselineOf } from './baseline/rule.js'
import { withCandidates } from './candidates.js'
import { compareRuns } from './compare-runs.js'
import { conclude } from './conclude.js'
import { equalNotes } from './equal-notes.js'
import { type CompareOptions, type CompareSettings, checkOptions, UNLIMITED } from './options.js'
import { otherSequence } from './other-sequence.js'
import { undecidedPositions } from './positions.js'
import { transposedNotes } from './row-notes.js'
import { areFedSame, assertSameIds, idsFound } from './same-text.js'
import { comparesAll, planPairs, type Side, sidesOf, withAllPositions } from './sides.js'
import { isSamePlace } from './step-ranges.js'
import { refuseIdleLimits } from './thresholds.js'
import type { Comparison, ListedComparison } from './types.js'

/**
 * Compares two dumps token by token: the last row of each step's logits, all metrics in float64, every token with a
 * verdict. A file that cannot be read fails its token, never the comparison. Synchronous; holds one pair of rows at a time on
 * each thread, and gives the same result on any number of threads.
 *
 * @param dump the tested side: what `loadDump` returned, or a path, URL or pattern for it
 * @param golden the trusted side, likewise
 * @throws GoldenLogitsError `invalid-argument` for invalid options, values or an environment variable, `nothing-to-compare` if
 * neither side has a requested step, and what `loadDump` throws if a path was given
 */
export function compareDumps(dump: DumpOrPath, golden: DumpOrPath, options: CompareOptions = {}): Comparison {
  return atCaller(compareDumps, () => withTokenArray(compareListed(dump, golden, options)))
}

/** The same for use inside the package, where nothing needs all tokens at once. */
export function compareListed(dump: DumpOrPath, golden: DumpOrPath, options: CompareOptions = {}): ListedComparison {
  const settings = checkOptions(options)
  return compareChecked(asDumpOrRuns('dump', dump), asDumpOrRuns('golden', golden), settings)
}

/** The same with checked options. */
export function compareChecked(tested: Dump, trusted: Dump, settings: CompareSettings): ListedComparison {
  if (tested.runs || trusted.runs) return compareRuns(tested, trusted, settings, compareRun)
  return compareRun(tested, trusted, settings)
}

function compareRun(tested: Dump, trusted: Dump, given: CompareSettings): ListedComparison {
  const ruled = given.baseline ? withBaseline(given.baseline, tested, trusted, given) : given
  const settings: CompareSettings = areFedSame(trusted, tested) ? { ...ruled, decoding: 'forced' } : ruled
  const isFedSame = assertSameIds(trusted, tested, settings.decoding)
  const isUnlimited = settings.limits === UNLIMITED.limits
  if (!isUnlimited && [trusted, tested].some(({ kind }) => kind === 'log-probabilities')) {
    refuseIdleLimits(settings.limits, settings.runLimits, Object.values(settings.metricLimits), false)
  }
  const sides = sidesOf(trusted, tested, settings.decoding)
  const tokenIds = settings.tokenIds ?? idsFound(sides.golden.dump, sides.dump.dump, settings)
  const comparison = compareSides(sides.dump, sides.golden, { ...settings, tokenIds })
  const sameIds = tokenIds ? 'chosen' : isFedSame ? 'fed' : undefined
  return { ...comparison, ...(sameIds && { sameIds }) }
}

/** Measures the errors of the baseline, without limits, and lets them judge. */
function withBaseline(baseline: Dump, tested: Dump, trusted: Dump, settings: CompareSettings): CompareSettings {
  const accepted = compareRun(comparesAll(tested) ? withAllPositions(baseline) : baseline, trusted, {
    ...settings,
    ...UNLIMITED,
    missing: 'allow',
    extra: 'allow',
    baseline: undefined,
  })
  const measuredBaseline = baselineOf(accepted, settings.baselineFactor)
  const precision = settings.precision ?? measuredBaseline.precision
  return { ...settings, measuredBaseline, precision, baseline: undefined }
}

/** Aligns the steps of two sides, measures each pair, judges it, and draws the conclusion. */
export function compareSides(dump: Side, golden: Side, settings: CompareSettings): ListedComparison {
  const once = compareOnce(dump, golden, settings)
  const comparison = withCandidates(once.comparison, once.pairs, golden, dump, settings)
  if (comparison.counts.overThreshold === 0) return comparison
  const other = otherSequence(comparison, golden, dump, (golden, dump, steps) => {
    const some = { ...settings, wants: (step: number) => steps.includes(step), listed: steps, range: undefined }
    return compareOnce(dump, golden, some).comparison
  })
  return other ? { ...comparison, otherSequence: other } : comparison
}

function compareOnce(
  dump: Side,
  golden: Side,
  settings: CompareSettings,
): { comparison: ListedComparison; pairs: PairList } {
  const aligned = align(dump.dump, golden.dump, settings)
  const pairs = planPairs(aligned.pairs, golden, dump)
  const { vocabSize, precision, metrics, threads } = settings
  const sources = { golden: golden.rows, dump: dump.rows }
  const results = measureAll(pairs, { ...sources, vocabSize, precision, metrics, threads })
  const undecided = undecidedPositions(results, golden, dump)
  const equal = equalNotes(results, golden, dump, settings, (step) => undecided.has(step))
  const notes = [...aligned.notes, ...equal, ...transposedNotes(results, settings)]
  return { comparison: conclude(dump.dump, golden.dump, results, notes, settings, undecided), pairs }
}

/** The comparison as users get it: `tokens` is an array, and the first failure is one of its items. */
export function withTokenArray({
  tokens,
  worstRun,
  comparable,
  allowed,
  tooFew,
  ...facts
}: ListedComparison): Comparison {
  const { pass, firstFailure, ...others } = facts
  const array = Array.from(tokens, (token) => (isSamePlace(token, firstFailure) ? firstFailure! : token))
  return { pass, tokens: array, ...(firstFailure && { firstFailure }), ...others }
}
