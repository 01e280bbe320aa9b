import { asDumpOrRuns, type DumpOrPath } from '../../dumps/as-dump.js'
import { atCaller, describeValue, GoldenLogitsError, invalidArgument, printable } from '../../errors.js'
import { checkObject, nonEmptyString, wholeNumber } from '../../lib/check-options.js'
import { groupBy } from '../../lib/group-by.js'
import { counted } from '../../lib/number-text.js'
import { compareChecked } from '../compare-dumps.js'
import { type CompareOptions, checkOptions, UNLIMITED } from '../options.js'
import { tokenName } from '../step-ranges.js'
import type { ListedComparison, TokenComparison } from '../types.js'
import { goldenPrecision, ranksOf } from './judge.js'
import { limitsByLaw } from './law.js'
import { propose } from './propose.js'
import { LEAST_TOKENS, RUN_TOKENS } from './spread.js'
import { CALIBRATION_FORMAT, CALIBRATION_VERSION, type Calibration } from './types.js'

/** An accepted dump with the golden that it was compared with: what `loadDump` returned, or paths. */
export interface AcceptedPair {
  dump: DumpOrPath
  golden: DumpOrPath
}

const COMPARE = ['dtype', 'steps', 'vocabSize', 'missing', 'extra', 'decoding', 'afterDivergence', 'threads'] as const

/** Their names. */
export const CALIBRATE_OPTIONS = ['model', 'device', 'tensorParallel', ...COMPARE] as const

/** Options of `calibrate`: what the runs come from, and how they are compared. */
export interface CalibrateOptions extends Pick<CompareOptions, (typeof COMPARE)[number]> {
  /** The model, as the comparisons that use the calibration will name it. */
  model: string
  /** The device, likewise. */
  device: string
  /** Over how many processes the model was split. Needed unless the dumps have a file for each. */
  tensorParallel?: number
}

/**
 * Measures how far honest runs of a build are from their golden, and proposes limits.
 * @param accepted accepted pairs of dump and golden; or at least three runs of one build, each of which is compared with each.
 * Their tokens must be complete and readable: at least 100 comparable ones in all
 * @throws GoldenLogitsError `invalid-argument` for wrong arguments or runs of different precisions, `nothing-to-compare` if a token
 * has no result or there are too few, and what `loadDump` throws
 */
export function calibrate(
  accepted: readonly AcceptedPair[] | readonly DumpOrPath[],
  options: CalibrateOptions,
): Calibration {
  return atCaller(calibrate, () => calibrated(accepted, options))
}

function calibrated(accepted: unknown, options: unknown): Calibration {
  const given = checkObject<CalibrateOptions>(
    'the options',
    options ?? {},
    CALIBRATE_OPTIONS,
    "{ model: 'llama-8b', device: 'ascend910b', tensorParallel: 1 }",
  )
  const { model, device, tensorParallel, ...compare } = given
  const names = { model: nonEmptyString('model', model), device: nonEmptyString('device', device) }
  const givenRanks = wholeNumber('tensorParallel', tensorParallel, 1)
  const settings = { ...checkOptions(compare), ...UNLIMITED }
  const { pairs, measured } = pairsOf(accepted)
  const comparisons = pairs.map(({ dump, golden }, i) => {
    const comparison = compareChecked(asDumpOrRuns('dump', dump), asDumpOrRuns('golden', golden), settings)
    refuseIncomplete(comparison, i + 1, pairs.length)
    return comparison
  })
  refuseRepeated(comparisons)
  const [first] = comparisons
  const dtype = same('dtype', comparisons, ({ thresholds }) => thresholds.precision)
  const golden = same('dtype of the golden', comparisons, goldenPrecision)
  const ranks = same('number of ranks', comparisons, ranksOf)
  const split = givenRanks ?? (ranks > 1 ? ranks : undefined)
  const absent = Object.entries({ ...names, tensorParallel: split }).filter(([, value]) => value === undefined)
  if (absent.length > 0) {
    const list = absent.map(([name]) => name).join(', ')
    throw invalidArgument(
      `calibrate needs ${list}, which the dumps do not show: limits hold for one model, dtype, tensor-parallel size and device`,
    )
  }
  if (ranks > 1 && split !== ranks) {
    const message = `tensorParallel is ${split}, but the dump has ${ranks} ranks; leave the option out, or dump that build`
    throw new GoldenLogitsError('invalid-argument', message, { file: first!.dumpPath })
  }
  const runs = comparisons.flatMap(comparableRuns)
  const tokens = runs.flat()
  if (tokens.length < LEAST_TOKENS) {
    const message = `${counted(tokens.length, 'comparable token')}, and a tail needs at least ${LEAST_TOKENS}: calibrate from longer runs or more of them, best fed the same tokens (decoding: 'forced')`
    throw new GoldenLogitsError('nothing-to-compare', message, { file: first!.dumpPath })
  }
  const isEqual = tokens.every(({ metrics }) => metrics!.klDivergence === 0 && !metrics!.maxAbsoluteError)
  return {
    format: CALIBRATION_FORMAT,
    version: CALIBRATION_VERSION,
    model: names.model!,
    dtype,
    golden,
    tensorParallel: split!,
    device: names.device!,
    measured,
    tokens: tokens.length,
    ...(isEqual ? limitsByLaw(tokens, dtype) : propose(runs)),
    runTokens: RUN_TOKENS,
    notes: notesOf(comparisons),
  }
}

/**
 * The tail of a run that is given twice would look twice as sure.
 * @throws GoldenLogitsError `invalid-argument`
 */
function refuseRepeated(comparisons: readonly ListedComparison[]): void {
  const seen = new Set<string>()
  for (const { tokens, dumpPath, goldenPath } of comparisons) {
    const [first, last] = [tokens.at(0)!, tokens.at(tokens.length - 1)!]
    const files = [...(first.dump?.files ?? []), ...(first.golden?.files ?? [])]
    if (files.length === 0) continue
    // A file may hold several runs.
    const divergences = [first, last].map(({ metrics }) => metrics?.klDivergence)
    const key = [...files, ...divergences, tokens.length].join('\n')
    if (seen.has(key)) {
      const message = `is given twice with the golden ${printable(goldenPath, 300)}, and its tokens would count twice; give each run once`
      throw new GoldenLogitsError('invalid-argument', message, { file: dumpPath })
    }
    seen.add(key)
  }
}

/** The pairs to compare, and what they are. */
function pairsOf(accepted: unknown): { readonly pairs: readonly AcceptedPair[]; readonly measured: string } {
  const example = "[{ dump: 'dumps/npu', golden: 'dumps/gpu' }] or ['run1', 'run2', 'run3']"
  if (!Array.isArray(accepted) || accepted.length === 0) {
    const value = Array.isArray(accepted) ? 'an empty list' : describeValue(accepted)
    throw invalidArgument(
      `calibrate needs a list of accepted pairs or of runs of one build, as in ${example}, got ${value}`,
    )
  }
  const isPair = (item: unknown) => typeof item === 'object' && item !== null && 'golden' in item
  if (accepted.every(isPair)) {
    const pairs = accepted.map((pair) => {
      const { dump, golden } = checkObject<AcceptedPair>(
        'a pair',
        pair,
        ['dump', 'golden'],
        "{ dump: 'npu', golden: 'gpu' }",
      )
      return { dump: dump!, golden: golden! }
    })
    return { pairs, measured: `${counted(pairs.length, 'accepted dump')} against the golden` }
  }
  if (accepted.some(isPair)) {
    throw invalidArgument(`calibrate needs pairs or runs, not both, as in ${example}`)
  }
  if (accepted.length < 3) {
    throw invalidArgument(
      `calibrate needs at least three runs of one build, got ${accepted.length}; two runs cannot show which of them is unusual. To measure against a golden, give pairs: ${example}`,
    )
  }
  const runs = accepted.map((run: DumpOrPath) => asDumpOrRuns('dump', run))
  const pairs = runs.flatMap((golden, i) => runs.slice(i + 1).map((dump) => ({ dump, golden })))
  return { pairs, measured: `${runs.length} runs of one build, each against each` }
}

/** Runs that are accepted have a result for every token. */
function refuseIncomplete({ firstFailure, counts, dumpPath }: ListedComparison, number: number, of: number): void {
  if (!firstFailure && counts.compared > 0) return
  const which = of === 1 ? '' : `pair ${number} of ${of}: `
  const detail = firstFailure
    ? `${tokenName(firstFailure)} is ${firstFailure.verdict}: ${firstFailure.reason}`
    : 'no token was compared'
  const message = `${which}${printable(detail, 300)}; calibrate only from runs that you accept, or leave tokens out by the options steps, missing and extra`
  throw new GoldenLogitsError('nothing-to-compare', message, { file: dumpPath })
}

/** @throws GoldenLogitsError `invalid-argument` if not all comparisons have the same */
function same<T>(what: string, comparisons: readonly ListedComparison[], of: (comparison: ListedComparison) => T): T {
  const first = of(comparisons[0]!)
  const other = comparisons.find((comparison) => of(comparison) !== first)
  if (!other) return first
  const message = `the ${what} is ${of(other)}, but that of ${printable(comparisons[0]!.dumpPath, 200)} is ${first}; calibrate each build by itself`
  throw new GoldenLogitsError('invalid-argument', message, { file: other.dumpPath })
}

/** The tokens that were measured and judged, of each run. */
function comparableRuns({ tokens }: ListedComparison): TokenComparison[][] {
  const comparable = [...tokens].filter(({ metrics, verdict }) => metrics && verdict !== 'not-comparable')
  return [...groupBy(comparable, ({ run }) => run).values()]
}

/** Each warning once. That all logits are equal is said by the limits. */
function notesOf(comparisons: readonly ListedComparison[]): string[] {
  const all = comparisons.flatMap(({ warnings }) => warnings)
  return [...new Set(all)]
    .filter((text) => !text.includes('bit for bit'))
    .map((text) => printable(text, 300))
    .slice(0, 20)
}
