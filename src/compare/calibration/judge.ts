import { GoldenLogitsError, printable } from '../../errors.js'
import { info, type Note, warning } from '../../lib/note.js'
import { significant } from '../../lib/number-text.js'
import { PRECISIONS } from '../../metrics/precision.js'
import { GATED, type GatedKey } from '../../metrics/table.js'
import { roundedAway } from '../rounded-away.js'
import { SideDtypes } from '../side-dtypes.js'
import { precisionNamed } from '../thresholds.js'
import type { Precision, TokenComparison, TokenMetrics, TokenNoise } from '../types.js'
import { QUANTITIES, type Quantity } from './quantities.js'
import type { Calibration, MeasuredRunKey } from './types.js'

/** A calibration in use. */
export interface UsedCalibration {
  readonly calibration: Calibration
  /** The file, or `undefined` for an object. */
  readonly file: string | undefined
  /** What the caller says that the dump comes from. */
  readonly model: string | undefined
  readonly device: string | undefined
  readonly tensorParallel: number | undefined
}

/** The limits of a calibration, which replace the limits of the precision. */
export function gatedLimits({ tokenLimits }: Calibration): Partial<Record<GatedKey, number>> {
  const limits: Partial<Record<GatedKey, number>> = {}
  for (const { key } of GATED) {
    const limit = tokenLimits[key]?.limit
    if (limit !== undefined) limits[key] = limit
  }
  return limits
}

/** The quantities with limits of their own, besides the metrics that every comparison limits. */
const OTHERS = QUANTITIES.filter(
  (quantity): quantity is Quantity & { tokenLimit: NonNullable<Quantity['tokenLimit']> } =>
    quantity.tokenLimit !== undefined && !GATED.some(({ key }) => key === quantity.tokenLimit),
)

/** One reason for each limit that a token does not keep, except KL divergence and cosine similarity. */
export function calibratedReasons(
  { tokenLimits }: Calibration,
  token: { readonly metrics: TokenMetrics; readonly noise?: TokenNoise },
): string[] {
  return OTHERS.flatMap((quantity) => {
    const { tokenLimit, label } = quantity
    const limit = tokenLimits[tokenLimit]?.limit
    const value = quantity.value(token)
    if (limit === undefined || value === undefined || value < limit) return []
    return [`${label} ${roundedAway(value, limit, 3)} is not below ${limit} (calibration)`]
  })
}

/** The limits on the run, if it is long enough for them. */
export function calibratedRunLimits(
  { runLimits, runTokens }: Calibration,
  comparable: number,
): Partial<Record<MeasuredRunKey, number>> {
  if (comparable < runTokens) return {}
  return Object.fromEntries(Object.entries(runLimits).map(([key, { limit }]) => [key, limit]))
}

interface Tokens {
  readonly tokens: Iterable<Pick<TokenComparison, 'golden' | 'dump'>>
}

/** The coarsest precision of the golden's rows. @returns `fp32` for integers, which show none */
export function goldenPrecision({ tokens }: Tokens): Precision {
  const dtypes = new SideDtypes()
  for (const { golden } of tokens) if (golden) dtypes.add(golden)
  const precisions = dtypes.all().map((dtype) => precisionNamed(dtype))
  return PRECISIONS.find((precision) => precisions.includes(precision)) ?? 'fp32'
}

/** Files of a token of the dump: several if each process of a tensor-parallel group wrote its own. */
export function ranksOf({ tokens }: Tokens): number {
  let most = 1
  for (const { dump } of tokens) if (dump) most = Math.max(most, dump.files.length)
  return most
}

/** The limits by hand that a calibration replaces. */
type ByHand = Partial<Record<GatedKey | 'meanKl', number>>

/**
 * What a comparison by a calibration rests on.
 * @param comparable how many tokens of the run are
 * @throws GoldenLogitsError `calibration-mismatch` for a calibration of another build
 */
export function calibrationNotes(used: UsedCalibration, shown: ShownKey, byHand: ByHand, comparable: number): Note[] {
  return [...keyNotes(used, shown), ...creepNotes(used, byHand), ...shortRunNotes(used, comparable)]
}

/** What a comparison shows of its key. */
interface ShownKey {
  readonly dtype: Precision
  readonly golden: Precision
  /** Files of a token: 1 does not show that the model was not split. */
  readonly ranks: number
  readonly dumpPath: string
}

/** Refuses a calibration of another build, and says what nothing confirms. */
function keyNotes(used: UsedCalibration, shown: ShownKey): Note[] {
  const { calibration } = used
  const ranks = shown.ranks > 1 ? shown.ranks : undefined
  const facts = [
    ['model', used.model, 'the option model says'],
    ['device', used.device, 'the option device says'],
    ['dtype', shown.dtype, 'this comparison is of'],
    ['golden', shown.golden, 'the golden is'],
    ['tensorParallel', used.tensorParallel, 'the option tensorParallel says'],
    ['tensorParallel', ranks, 'the number of ranks is'],
  ] as const
  for (const [key, value, says] of facts) {
    if (value === undefined || value === calibration[key]) continue
    const [stored, found] = [calibration[key], value].map((one) => printable(String(one), 80))
    const message = `the calibration ${nameOf(used)}is for ${key} ${stored}, but ${says} ${found}; calibrate this build by itself`
    throw new GoldenLogitsError('calibration-mismatch', message, { file: shown.dumpPath })
  }
  const unsaid = (['model', 'device', 'tensorParallel'] as const).filter(
    (key) => used[key] === undefined && !(key === 'tensorParallel' && ranks !== undefined),
  )
  const { model, device, dtype, golden, tensorParallel, measured, tokens } = calibration
  const of = `${printable(model, 80)}, ${dtype} against ${golden}, tensor-parallel ${tensorParallel}, ${printable(device, 80)}`
  const limits = info(`limits of the calibration ${nameOf(used)}of ${of}: ${printable(measured, 80)}, ${tokens} tokens`)
  if (unsaid.length === 0) return [limits]
  const pairs = unsaid.map((key) => `${key}: ${JSON.stringify(calibration[key])}`)
  const values = printable(pairs.join(', ').replaceAll('"', "'"), 200)
  const text = `nothing shows that the dump is of the ${unsaid.join(', ')} of the calibration (${values})`
  return [limits, warning(text, `set ${values}`)]
}

function nameOf({ file }: UsedCalibration): string {
  return file === undefined ? '' : `${printable(file, 200)} `
}

/** Limits by hand that are looser than what was measured: what honest runs need does not grow by itself. */
function creepNotes({ calibration }: UsedCalibration, byHand: ByHand): Note[] {
  const measured = { ...calibration.tokenLimits, ...calibration.runLimits }
  return (['klDivergence', 'cosineSimilarity', 'meanKl'] as const).flatMap((key) => {
    const set = byHand[key]
    const proposed = measured[key]?.limit
    if (set === undefined || proposed === undefined) return []
    if (key === 'cosineSimilarity' ? set >= proposed : set <= proposed) return []
    const times = key === 'cosineSimilarity' ? (1 - set) / (1 - proposed) : set / proposed
    const looser = `thresholds.${key} ${set} is ${significant(times, 2)} times as loose as the ${proposed} of the calibration`
    const settle = `calibrate again with the runs that need it, and leave thresholds.${key} out`
    return [warning(`${looser}: faults between the two pass`, settle)]
  })
}

/** A run that is too short for the limits on it. */
function shortRunNotes({ calibration }: UsedCalibration, comparable: number): Note[] {
  const { runLimits, runTokens } = calibration
  if (comparable >= runTokens || Object.keys(runLimits).length === 0) return []
  const few = `too few comparable tokens for the calibration's limits on the run (${comparable} of at least ${runTokens})`
  return [info(`${few}: its limits on each token decided`)]
}
