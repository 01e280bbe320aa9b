import { scaleLinear, scaleLog } from 'd3-scale'
import { line } from 'd3-shape'
import { printable } from '../../../errors.js'
import { counted } from '../../../lib/number-text.js'
import { escapeHtml, shortNumber } from '../escape.js'
import { rounded as at, exponent } from '../numbers.js'
import { isAlone, type LayerRow, namedRow } from './rows.js'

const WIDTH = 960
const LEFT = 62
const RIGHT = 20
const TOP = 64
const BOTTOM = 330
/** Where the layers without an error are marked. */
const STRIP = 350
const HEIGHT = 392

/** Errors are drawn no lower than this: a layer that is equal on both sides has none. */
const LOWEST = 1e-9
/** With more layers than these, the line alone shows them. */
const MOST_MARKS = 1000
/** At most this many numbers of decoder layers along the axis. */
const MOST_TICKS = 20
/** Characters of a name in the chart. */
const MOST_NAME = 64

/**
 * The output error by layer in the order of execution, as SVG that needs no script, on a logarithmic scale; beside it what
 * rounding alone makes. The first layer that diverges has a diamond, a line from top to bottom and its name.
 */
export function layersChart(rows: readonly LayerRow[], id: string): string {
  const x = scaleLinear([0, Math.max(rows.length - 1, 1)], [LEFT, WIDTH - RIGHT])
  const y = scaleOf(rows)
  return [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="${id}-h ${id}-t ${id}-d" class="chart"`,
    ` data-first="0" data-last="${Math.max(rows.length - 1, 1)}" data-left="${LEFT}" data-right="${WIDTH - RIGHT}">`,
    `<title id="${id}-t">Output error by layer</title>`,
    `<desc id="${id}-d">${escapeHtml(description(rows))}</desc>`,
    `<text x="${LEFT}" y="14" class="panel">Output error by layer, in the order of execution</text>`,
    ...grid(rows, y),
    ...blockTicks(rows, x),
    named(rows, x),
    path(rows, x, y, ({ naturalError }) => naturalError, 'natural'),
    path(rows, x, y, ({ outputError }) => outputError, 'values'),
    ...marks(rows, x, y),
    ...strip(rows, x),
    `<line class="cursor" x1="0" x2="0" y1="${TOP}" y2="${STRIP + 6}" visibility="hidden"/>`,
    '</svg>',
  ].join('')
}

/** What the chart shows, for readers who do not see it. */
function description(rows: readonly LayerRow[]): string {
  const row = namedRow(rows)
  const { outputError, naturalError } = row?.facts ?? {}
  const natural = naturalError === undefined ? '' : `, where rounding alone makes ${errorText(naturalError)}`
  const text = row
    ? `the first layer that diverges is ${row.facts.name}, layer ${row.index} of ${rows.length - 1}: its output error is ${errorText(outputError)}${natural}`
    : 'no layer is named'
  const absent = rows.filter(({ facts }) => facts.outputError === undefined).length
  return `${counted(rows.length, 'layer')}; ${text}; ${absent} without an error. The table below has every value.`
}

/** An error for people: three digits are enough to compare errors. */
export function errorText(value: number | undefined): string {
  return shortNumber(value === undefined || !Number.isFinite(value) ? value : Number(value.toPrecision(3)))
}

type Scale = (value: number) => number

interface Heights {
  readonly place: Scale
  readonly ticks: readonly number[]
  readonly low: number
}

function scaleOf(rows: readonly LayerRow[]): Heights {
  const values = rows
    .flatMap(({ facts }) => [facts.outputError, facts.naturalError])
    .filter((value): value is number => value !== undefined && value > LOWEST && Number.isFinite(value))
  const low = Math.min(...values, 1)
  const scale = scaleLog([low / 1.5, Math.max(...values, low * 10) * 1.5], [BOTTOM, TOP])
  const [from, to] = scale.domain() as [number, number]
  return {
    low: from,
    // What is not finite is at the upper end.
    place: (value) => at(scale(Math.max(from, value < to ? value : to))),
    ticks: scale.ticks(6).filter((tick) => Math.abs(Math.log10(tick) % 1) < 1e-9),
  }
}

function grid(rows: readonly LayerRow[], { place, ticks, low }: Heights): string[] {
  const isBelow = rows.some(({ facts }) => facts.outputError !== undefined && facts.outputError < low)
  const lines = ticks.map(
    (tick) =>
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${place(tick)}" y2="${place(tick)}" class="grid"/><text x="${LEFT - 8}" y="${place(tick)}" class="tick end">${exponent(tick)}</text>`,
  )
  return isBelow ? [...lines, `<text x="${LEFT - 8}" y="${BOTTOM}" class="tick end">0</text>`] : lines
}

/** The numbers of the decoder layers, each where its first module is. Without such numbers, those of the rows. */
function blockTicks(rows: readonly LayerRow[], x: Scale): string[] {
  const starts: { index: number; label: string }[] = []
  for (const { index, facts } of rows) {
    const label = facts.outputError === undefined ? undefined : /(?:^|[./])(\d+)(?=[._/]|$)/.exec(facts.name)?.[1]
    if (label !== undefined && label !== starts.at(-1)?.label) starts.push({ index, label })
  }
  const places = starts.length > 1 ? starts : rows.map(({ index }) => ({ index, label: String(index) }))
  const every = Math.ceil(places.length / MOST_TICKS)
  const shown = places.filter((_, i) => i % every === 0)
  return [
    ...shown.map(
      ({ index, label }) =>
        `<line x1="${at(x(index))}" x2="${at(x(index))}" y1="${BOTTOM}" y2="${BOTTOM + 5}" class="grid"/><text x="${at(x(index))}" y="${HEIGHT - 24}" class="tick mid">${label}</text>`,
    ),
    `<text x="${LEFT}" y="${HEIGHT - 8}" class="tick">${starts.length > 1 ? 'number of the decoder layer' : 'number of the layer'}</text>`,
  ]
}

function path(
  rows: readonly LayerRow[],
  x: Scale,
  { place }: Heights,
  errorOf: (facts: LayerRow['facts']) => number | undefined,
  name: string,
): string {
  const isPoint = (row: LayerRow) => !Number.isNaN(errorOf(row.facts) ?? Number.NaN)
  const d = line<LayerRow>()
    .defined(isPoint)
    .x(({ index }) => at(x(index)))
    .y(({ facts }) => place(errorOf(facts)!))(rows.filter(({ facts }) => facts.outputError !== undefined))
  return d === null ? '' : `<path d="${d}" class="${name}"/>`
}

/** A dot for each layer; a triangle at the upper end for an error that is NaN or infinite. */
function marks(rows: readonly LayerRow[], x: Scale, { place }: Heights): string[] {
  return rows.flatMap(({ index, facts: { outputError: error, rule } }) => {
    if (error === undefined) return []
    const [cx, cy] = [at(x(index)), place(Number.isFinite(error) ? error : Number.POSITIVE_INFINITY)]
    if (rule !== undefined)
      return `<path d="M${cx} ${at(cy - 7)}L${at(cx + 7)} ${cy}L${cx} ${at(cy + 7)}L${at(cx - 7)} ${cy}Z" class="mark bad"/>`
    if (!Number.isFinite(error)) return `<path d="M${at(cx - 4)} ${at(cy + 6)}h8l-4 -8Z" class="infinite"/>`
    return rows.length > MOST_MARKS ? [] : `<circle cx="${cx}" cy="${cy}" r="1.6" class="mark"/>`
  })
}

/** The name of the first layer that diverges, above a line that leads down to its number. */
function named(rows: readonly LayerRow[], x: Scale): string {
  const row = namedRow(rows)
  if (!row) return ''
  const place0 = at(x(row.index))
  const name = row.facts.name.length > MOST_NAME ? `…${row.facts.name.slice(1 - MOST_NAME)}` : row.facts.name
  const anchor = place0 < LEFT + 200 ? '' : place0 > WIDTH - 220 ? ' end' : ' mid'
  return `<line x1="${place0}" x2="${place0}" y1="${TOP - 14}" y2="${STRIP + 6}" class="here"/><text x="${place0}" y="${TOP - 24}" class="here-text${anchor}">${escapeHtml(printable(name))}: ${errorText(row.facts.outputError)}</text>`
}

/** Layers without an error: a bar each, or one for a range, with their names. */
function strip(rows: readonly LayerRow[], x: Scale): string[] {
  const ranges: { from: number; to: number; kind: string; names: string[] }[] = []
  for (const row of rows) {
    const { index, facts, token } = row
    if (facts.outputError !== undefined) continue
    const kind = `${isAlone(row) ? 'alone' : 'absent'}${token.pass ? '' : ' bad'}`
    const range = ranges.at(-1)
    if (range && range.to === index - 1 && range.kind === kind) {
      range.to = index
      range.names.push(facts.name)
    } else ranges.push({ from: index, to: index, kind, names: [facts.name] })
  }
  return ranges.map(
    ({ from, to, kind, names }) =>
      `<rect x="${at(x(from) - 2.5)}" y="${STRIP - 5}" width="${at(x(to) - x(from) + 5)}" height="10" rx="2" class="${kind}"><title>${escapeHtml(names.join(', '), 300)}</title></rect>`,
  )
}
