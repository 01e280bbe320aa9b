import { isFlip, knowsTop1 } from '../../compare/divergence.js'
import { metricText } from '../../compare/metric-limits.js'
import { cosineText, roundedAway } from '../../compare/rounded-away.js'
import type { BaselineFacts, ListedComparison, Thresholds, TokenComparison, TokenSide } from '../../compare/types.js'
import { printable } from '../../errors.js'
import { counted, significant } from '../../lib/number-text.js'
import { type LimitedKey, optionalRow } from '../../metrics/optional/table.js'
import { GATED, type GatedKey } from '../../metrics/table.js'
import { shortPaths } from './short-paths.js'
import { type Sparkable, sparkline } from './sparkline.js'

/** One token in a few indented lines: metrics and their limits, top-1 of both sides, files. */
export function tokenBlock(comparison: ListedComparison, token: TokenComparison): string[] {
  const top = knowsTop1(token) ? [`  top-1               ${topLine(comparison, token)}`] : []
  const facts = token.metrics ? metricLines(comparison, token) : [`  ${printable(token.reason, 400)}`, ...top]
  return [...facts, ...sideLines(token)]
}

function metricLines(comparison: ListedComparison, token: TokenComparison): string[] {
  const { thresholds } = comparison
  const values = GATED.map(({ key }) => gatedText(key, token.metrics![key], thresholds))
  const width = Math.max(...values.map(({ length }) => length), 10)
  return [
    ...GATED.map(({ key, label, better }, i) => {
      if (token.metrics![key] === undefined) return `  ${label.padEnd(18)}  ${NO_METRIC}: log-probabilities have none`
      if (token.baseline) return baselineLine(key, label, values[i]!.padEnd(width), token.baseline)
      const bound = `${better === 'lower' ? '<' : '>'} ${thresholds[key]}`
      const precision = sourceOf(key, comparison).map((name) => ` (${name})`)
      return `  ${label.padEnd(18)}  ${values[i]!.padEnd(width)}  must be ${bound}${precision}`
    }),
    ...(token.bounds ? [`  ${printable(token.reason, 400)}`] : []),
    ...otherReasons(token),
    ...optionalLines(comparison, token),
    `  top-1               ${topLine(comparison, token)}`,
    ...noiseLines(comparison, token),
    ...supportLines(token),
    `  KL by token         ${sparkLine(comparison)}`,
  ]
}

/** The metrics that were asked for: those with a limit in a line of their own, the others three a line. */
function optionalLines({ thresholds, metrics = [] }: ListedComparison, token: TokenComparison): string[] {
  const limited = metrics.flatMap((key) => {
    const limit = thresholds[key as LimitedKey]
    if (limit === undefined) return []
    const { label, better } = optionalRow(key)
    const value = token.metrics![key]
    const text = value === undefined ? `${NO_METRIC}: not known from these rows` : metricText(value, limit)
    const bound = { higher: `> ${limit}`, lower: `< ${limit}`, 'nearer-zero': `within ±${limit}` }[better!]
    return [`  ${label.padEnd(18)}  ${text.padEnd(10)}  must be ${bound}`]
  })
  const others = metrics.filter((key) => thresholds[key as LimitedKey] === undefined)
  const texts = others.map((key) => {
    const value = token.metrics![key]
    return `${optionalRow(key).label} ${value === undefined ? NO_METRIC : short(value)}`
  })
  const lines: string[] = []
  for (let i = 0; i < texts.length; i += A_LINE) lines.push(`  ${texts.slice(i, i + A_LINE).join(', ')}`)
  return [...limited, ...lines]
}

/** Metrics without a limit in a line. */
const A_LINE = 3

/** In place of a metric that does not follow from what the rows hold. */
export const NO_METRIC = 'n/a'

/** A metric's value for people, never rounded across its limit. */
export function gatedText(key: GatedKey, value: number | undefined, thresholds: Thresholds): string {
  if (value === undefined) return NO_METRIC
  return key === 'cosineSimilarity' ? cosineText(value, thresholds[key]) : roundedAway(value, thresholds[key])
}

/** A metric by the errors of the baseline. */
function baselineLine(key: GatedKey, label: string, value: string, { klDivergence, allowedKl }: BaselineFacts): string {
  if (key !== 'klDivergence') return `  ${label.padEnd(18)}  ${value}`.trimEnd()
  return `  ${label.padEnd(18)}  ${value}  at most ${short(allowedKl)} (the baseline has ${short(klDivergence)})`
}

/** The reasons that the lines above do not show. */
function otherReasons({ reason }: TokenComparison): string[] {
  const parts = reason
    .split('; ')
    .filter((part) => /\((?:calibration|baseline)\)$/.test(part) && !part.startsWith('KL divergence'))
  return parts.map((part) => `  ${printable(part, 200)}`)
}

/** Where a limit comes from, unless it is the same everywhere. */
export function sourceOf(
  key: GatedKey,
  { thresholds, calibration }: Pick<ListedComparison, 'thresholds' | 'calibration'>,
): string[] {
  if (calibration && calibration.tokenLimits[key]?.limit === thresholds[key]) return ['calibration']
  return precisionOf(key, thresholds)
}

/** The precision, for a metric whose default limit depends on it; else nothing. */
function precisionOf(key: GatedKey, { precision }: Thresholds): string[] {
  const limits = Object.values(GATED.find((metric) => metric.key === key)!.gate.limit)
  return new Set(limits).size > 1 ? [precision] : []
}

function topLine({ thresholds }: ListedComparison, token: TokenComparison): string {
  const [golden, dump] = [token.golden!, token.dump!]
  if (!isFlip(token))
    return `${golden.top1} on both sides (golden ${short(golden.top1Logit!)}, dump ${short(dump.top1Logit!)})`
  const flip = `golden ${golden.top1} (${short(golden.top1Logit!)}) → dump ${dump.top1} (${short(dump.top1Logit!)})   flipped`
  if (!token.flip) return flip
  const { goldenGap, dumpGap, movement, ulp, allowed, isBenign, isExactTie } = token.flip
  const gaps = `gaps ${short(goldenGap)} + ${short(dumpGap)}`
  if (isExactTie) return `${flip}; ${gaps}, a near-tie: one side has both logits equal`
  const moved = `${gaps} = ${roundedAway(movement, allowed, 4)} (${short(movement / ulp)} ULP of ${thresholds.precision})`
  const explained = `rounding explains ${roundedAway(allowed, movement, 4)}`
  return `${flip}; ${moved}, ${isBenign ? 'a near-tie' : 'not a near-tie'}: ${explained}`
}

/** How noisy a token is, and what rounding explains, if that was measured. */
function noiseLines({ thresholds: { precision } }: ListedComparison, { noise }: TokenComparison): string[] {
  if (!noise?.isExact) return []
  const [spread, expected, largest] = [noise.relativeSpread, noise.expectedKl!, noise.largestKl!].map(short)
  return [
    `  rounding            relative spread ${spread}; ${precision} explains a KL of ${expected}, at most ${largest}`,
  ]
}

function supportLines({ support }: TokenComparison): string[] {
  if (!support || support.firstMismatch < 0) return []
  const parts = [
    support.dumpOnly > 0 ? `${support.dumpOnly} in the dump only` : '',
    support.goldenOnly > 0 ? `${support.goldenOnly} in the golden only` : '',
  ].filter(Boolean)
  return [`  -Inf                ${parts.join(', ')}; first at vocab id ${support.firstMismatch}`]
}

/** KL divergence by token, in at most 60 marks. */
export function sparkLine(comparison: Sparkable): string {
  const { marks, tokensPerMark } = sparkline(comparison)
  return tokensPerMark === 1 ? marks : `${marks}  (${tokensPerMark} tokens a mark, the worst of them)`
}

/** The files of both sides, with their dtype and shape. */
export function sideLines(token: TokenComparison): string[] {
  const present = (['golden', 'dump'] as const).flatMap((name) => (token[name] ? [{ name, side: token[name] }] : []))
  const first = present.map(({ side }) => side.files[0])
  const short = shortPaths(first.filter((file) => file !== undefined))
  const sides = present.map(({ name, side }, i) => {
    const path = fileText(side, first[i] === undefined ? '' : short.shift()!)
    return { name, path, type: typeText(side) }
  })
  const width = Math.max(...sides.map(({ path }) => path.length))
  return sides.map(({ name, path, type }) =>
    `  ${name.padEnd(6)}  ${type ? path.padEnd(width) : path}  ${type}`.trimEnd(),
  )
}

/** @param path its first file, as the message shows it */
function fileText({ files, layer, dtype }: TokenSide, path: string): string {
  const [first, ...others] = files
  // Without a file, only logits in memory have a dtype.
  if (first === undefined && dtype !== undefined) return 'in memory'
  if (first === undefined) return layer === '' ? '(no file)' : `(no file of ${printable(layer)})`
  const more = others.length === 0 ? '' : ` and ${counted(others.length, 'more rank')}`
  return path + more
}

function typeText({ kind, dtype, shape, fileShape }: TokenSide): string {
  if (dtype === undefined) return ''
  const row = shape ?? fileShape
  const file = shape && fileShape && String(fileShape) !== String(shape) ? ` of [${fileShape.join(', ')}]` : ''
  const type = kind === undefined ? dtype : `${kind} in ${dtype}`
  return row ? `${type} [${row.join(', ')}]${file}` : type
}

function short(value: number): string {
  return significant(value, 4)
}
