import { scaleLinear, scaleLog } from 'd3-scale'
import { line } from 'd3-shape'
import { isFlip, isNearTie } from '../../compare/divergence.js'
import type { TokenComparison } from '../../compare/types.js'
import type { ComparisonReport } from '../document.js'
import { escapeHtml, shortNumber } from './escape.js'
import { rounded as at, exponent, rounded } from './numbers.js'
import { placesOf, tokenKey } from './place.js'
import { thinned, thinnedLine } from './thin.js'

const WIDTH = 960
const LEFT = 62
const RIGHT = 118
const KL = { top: 22, bottom: 202 }
const COSINE = { top: 242, bottom: 342 }
/** How far below the last panel the tokens that were not measured are marked, and the picture ends. */
const STRIP = 20
const END = 58

/** With more tokens than these, only those that need a look have a mark of their own. */
const MOST_MARKS = 160

/** Values are drawn no lower than this: less is rounding of the arithmetic itself. */
const LOWEST = 1e-12

/** Not drawn: the chart of a comparison without limits has none. */
const NO_LIMITS = { klDivergence: Number.POSITIVE_INFINITY, cosineSimilarity: Number.NEGATIVE_INFINITY }

interface Range {
  readonly lo: number
  readonly hi: number
}

/** One of the two panels: a value for each token on a logarithmic scale, or its bounds, and its limit. */
interface Panel {
  readonly name: string
  readonly metricOf: (token: TokenComparison) => number | undefined
  readonly rangeOf: (token: TokenComparison) => Range | undefined
  readonly limit: number
  readonly limitText: string
  /** What rounding alone may make of a token, where it is known. */
  readonly floorOf?: (token: TokenComparison) => number | undefined
  readonly place: { readonly top: number; readonly bottom: number }
}

/**
 * KL divergence and cosine similarity by token, with the limits, as SVG that needs no script. Both scales are logarithmic. If
 * only bounds of a value are known, they are drawn as a bar. A token that was not measured has a mark below the panels. Without
 * a token that has a cosine similarity, as between log-probabilities, the KL divergence is drawn alone.
 */
export function chartSvg(report: ComparisonReport, id: string): string {
  const { tokens, thresholds } = report
  const places = placesOf(tokens)
  const placeOf = (token: TokenComparison | undefined) => (token && places.get(token)) ?? 0
  const first = placeOf(tokens[0])
  const end = placeOf(tokens.at(-1))
  const last = Math.max(end, first + 1)
  const scale = scaleLinear([first, last], [LEFT, WIDTH - RIGHT])
  const x = (token: TokenComparison) => rounded(scale(placeOf(token)))
  const { klDivergence: kl, cosineSimilarity: cosine } = thresholds ?? NO_LIMITS
  const panels: Panel[] = [
    {
      name: 'KL divergence (nats)',
      metricOf: ({ metrics }) => metrics?.klDivergence,
      rangeOf: ({ bounds }) => bounds?.klDivergence,
      limit: kl,
      limitText: `limit ${kl}`,
      floorOf: ({ noise }) => noise?.largestKl,
      place: KL,
    },
  ]
  const hasCosine = tokens.every(({ metrics, bounds }) => !metrics && !bounds) || tokens.some(hasCosineOf)
  if (hasCosine) {
    panels.push({
      name: '1 − cosine similarity',
      metricOf: ({ metrics }) => (metrics?.cosineSimilarity === undefined ? undefined : 1 - metrics.cosineSimilarity),
      rangeOf: ({ bounds }) => {
        return bounds?.cosineSimilarity && { lo: 1 - bounds.cosineSimilarity.hi, hi: 1 - bounds.cosineSimilarity.lo }
      },
      limit: 1 - cosine,
      limitText: `limit ${shortNumber(1 - cosine)}`,
      place: COSINE,
    })
  }
  const { bottom } = panels.at(-1)!.place
  const height = bottom + END
  const byPlace = new Map(tokens.map((token) => [placeOf(token), token]))
  const ticks = scale.ticks(Math.min(12, tokens.length)).filter((tick) => Number.isInteger(tick) && tick <= end)
  const axis = ticks.map((tick) => {
    const token = byPlace.get(tick)
    return `<text x="${at(scale(tick))}" y="${height - 8}" class="tick mid">${token ? tokenKey(token) : tick}</text>`
  })
  return [
    `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="${id}-h ${id}-t ${id}-d" class="chart"`,
    ` data-first="${first}" data-last="${last}" data-left="${LEFT}" data-right="${WIDTH - RIGHT}">`,
    `<title id="${id}-t">KL divergence${hasCosine ? ' and cosine similarity' : ''} by token</title>`,
    `<desc id="${id}-d">${escapeHtml(description(report))}</desc>`,
    ...panels.map((panel) => panelSvg(panel, report, x)),
    strip(tokens, x, bottom + STRIP),
    ...axis,
    `<text x="${LEFT - 14}" y="${height - 8}" class="tick end">token</text>`,
    `<line class="cursor" x1="0" x2="0" y1="${KL.top}" y2="${bottom + STRIP + 6}" visibility="hidden"/>`,
    '</svg>',
  ].join('')
}

function hasCosineOf({ metrics, bounds }: TokenComparison): boolean {
  return (metrics?.cosineSimilarity ?? bounds?.cosineSimilarity) !== undefined
}

/** What the chart shows, for readers who do not see it. */
function description({ tokens, statistics }: ComparisonReport): string {
  const failing = tokens.filter(({ pass }) => !pass)
  const most = statistics
    ? `; the highest KL divergence is ${shortNumber(statistics.maxKl.value)} at token ${statistics.maxKl.step}`
    : ''
  const first = failing[0] ? `; the first failing token is ${failing[0].step}` : ''
  return `${tokens.length} tokens, ${failing.length} fail${first}${most}. The table below has every value.`
}

function panelSvg(panel: Panel, { tokens }: ComparisonReport, x: (token: TokenComparison) => number): string {
  const { name, metricOf, rangeOf, limit, limitText, floorOf, place } = panel
  const points = tokens.flatMap((token) => {
    const value = metricOf(token)
    return value === undefined || Number.isNaN(value) ? [] : [{ token, value }]
  })
  // Beside a value, bounds are drawn only if a limit lies between them.
  const ranges = tokens.flatMap((token) => {
    const range = rangeOf(token)
    return range && (metricOf(token) === undefined || token.verdict === 'undecided') ? [{ token, ...range }] : []
  })
  const values = [...points.map(({ value }) => value), ...ranges.flatMap(({ lo, hi }) => [lo, hi])]
  const finite = values.filter((value) => value > LOWEST && Number.isFinite(value))
  const reference = Number.isFinite(limit) && limit > 0 ? [limit] : []
  // A list of any length cannot be arguments.
  const lowest = finite.reduce((a, b) => Math.min(a, b), Math.min(...reference, 1e-3))
  const low = Math.max(LOWEST, lowest / 2)
  const high = finite.reduce((a, b) => Math.max(a, b), Math.max(...reference, low * 100)) * 2
  const scale = scaleLog([low, high], [place.bottom, place.top]).nice()
  const y = (value: number) => scale(Math.min(Math.max(value, scale.domain()[0]!), scale.domain()[1]!))
  const decades = scale.ticks(4).filter((tick) => Math.abs(Math.log10(tick) % 1) < 1e-9)
  const some = decades.filter((_, i) => i % Math.ceil(decades.length / 6) === 0)
  const isBelow = [...points.map(({ value }) => value), ...ranges.map(({ lo }) => lo)].some(
    (v) => v < scale.domain()[0]!,
  )
  const grid = some.map((tick, i) => {
    const height = at(y(tick))
    return `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${height}" y2="${height}" class="grid"/><text x="${LEFT - 8}" y="${height}" class="tick end">${i === 0 && isBelow ? '≤ ' : ''}${exponent(tick)}</text>`
  })
  const path = line<(typeof points)[number]>()
    .x(({ token }) => x(token))
    .y(({ value }) => rounded(y(value)))(
    thinnedLine(
      points,
      ({ token }) => x(token),
      ({ value }) => value,
    ),
  )
  const isMarked = (token: TokenComparison) => !token.pass || isFlip(token)
  // A token of which only bounds are known is marked at the lower one, which is certain.
  const bounded = ranges.filter(({ token }) => metricOf(token) === undefined && isMarked(token))
  const marked = [
    ...points.filter(({ token }) => points.length <= MOST_MARKS || isMarked(token)),
    ...bounded.map(({ token, lo }) => ({ token, value: lo })),
  ].map(({ token, value }) => ({ token, height: rounded(y(value)) }))
  const marks = thinned(marked, ({ token, height }) => {
    return `${Math.round(x(token))} ${Math.round(height)} ${token.pass} ${isFlip(token)}`
  }).map(({ token, height }) => markSvg(token, x(token), height, isNearTie(token)))
  const known = tokens.flatMap((token) => {
    const floor = floorOf?.(token)
    return floor === undefined || !Number.isFinite(floor) ? [] : [{ at: x(token), height: y(floor) }]
  })
  const floors = thinned(known, ({ at, height }) => `${Math.round(at)} ${Math.round(height)}`).map(({ at, height }) => {
    return `<path d="M${rounded(at - 5)} ${rounded(height)}h10" class="floor"/>`
  })
  const placeOfRange = ({ token, lo, hi }: (typeof ranges)[number]) => {
    return `${Math.round(x(token))} ${Math.round(y(lo))} ${Math.round(y(hi))} ${token.pass}`
  }
  const bars = thinned(ranges, placeOfRange).map(({ token, lo, hi }) => {
    const kind = `range${token.pass ? '' : ' bad'}`
    // A bar from a value to itself would be invisible.
    return `<path d="M${x(token)} ${at(y(lo) + 2)}V${at(y(hi) - 2)}" class="${kind}"/>`
  })
  const bound =
    reference.length === 0
      ? ''
      : `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at(y(limit))}" y2="${at(y(limit))}" class="limit"/><text x="${WIDTH - RIGHT + 8}" y="${at(y(limit))}" class="limit-text">${limitText}</text>`
  return [
    `<text x="${LEFT}" y="${place.top - 8}" class="panel">${name}</text>`,
    ...grid,
    bound,
    ...floors,
    ...bars,
    path === null ? '' : `<path d="${path}" class="values"/>`,
    ...marks,
  ].join('')
}

/** A failing token is a filled diamond, a flip a ring; a near-tie is a ring of dashes. */
function markSvg(token: TokenComparison, x: number, y: number, isTie: boolean): string {
  const flip = isFlip(token) ? `<circle cx="${x}" cy="${y}" r="6.5" class="flip${isTie ? ' tie' : ''}"/>` : ''
  const mark = token.pass
    ? `<circle cx="${x}" cy="${y}" r="2" class="mark"/>`
    : `<path d="M${x} ${rounded(y - 5)}L${rounded(x + 5)} ${y}L${x} ${rounded(y + 5)}L${rounded(x - 5)} ${y}Z" class="mark bad"/>`
  return flip + mark
}

/** Tokens without metrics and bounds: a cross each, or one bar for several in a row. */
function strip(tokens: readonly TokenComparison[], x: (token: TokenComparison) => number, height: number): string {
  if (tokens.every(({ metrics, bounds }) => metrics ?? bounds)) return ''
  const ranges: { from: number; to: number; last: number; pass: boolean }[] = []
  for (const [index, token] of tokens.entries()) {
    if (token.metrics ?? token.bounds) continue
    const range = ranges.at(-1)
    if (range && range.last === index - 1 && range.pass === token.pass) {
      range.last = index
      range.to = x(token)
    } else ranges.push({ from: x(token), to: x(token), last: index, pass: token.pass })
  }
  const marks = thinned(ranges, ({ from, to, pass }) => `${Math.round(from)} ${Math.round(to)} ${pass}`).map(
    ({ from, to, pass }) => {
      return `<rect x="${rounded(from - 2.5)}" y="${height - 4}" width="${rounded(to - from + 5)}" height="8" rx="2" class="absent${pass ? '' : ' bad'}"/>`
    },
  )
  return `${marks.join('')}<text x="${WIDTH - RIGHT + 8}" y="${height}" class="tick start">not measured</text>`
}
