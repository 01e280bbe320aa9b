import type { TokenComparison } from '../../../compare/types.js'
import { counted, significant } from '../../../lib/number-text.js'
import { type ComparisonReport, MOST_TITLE } from '../../document.js'
import { escapeHtml } from '../escape.js'
import { numberCell, sideFacts } from '../facts.js'
import { errorText, layersChart } from './chart.js'
import { isAlone, type LayerRow, layerRows, namedRow } from './rows.js'

/** How many failing layers are shown with their files. */
const MOST_DETAILS = 100

/** The first layer that diverges, or why none is named, in one line. */
export function layersHeadline(tokens: readonly TokenComparison[], id: string): string {
  const rows = layerRows(tokens)
  const row = namedRow(rows)
  if (row) {
    const { name, outputError, inputError, naturalError, rule } = row.facts
    const input = inputError === undefined ? '' : `, its input error ${errorText(inputError)}`
    const natural = naturalError === undefined ? '' : `; rounding alone makes ${errorText(naturalError)}`
    return `<p class="headline"><a href="#${id}-t${row.index}">First layer that diverges: <strong>${escapeHtml(name)}</strong></a> <span class="verdict">rule ${escapeHtml(rule!)}</span> its output error is ${errorText(outputError)}${input}${natural}</p>`
  }
  const failing = rows.find(({ token }) => !token.pass)
  if (!failing) return ''
  const { verdict, reason } = failing.token
  const where = verdict === 'undecided' ? '' : ` ${escapeHtml(failing.facts.name)}:`
  return `<p class="headline"><span class="verdict">${verdict}</span>${where} ${escapeHtml(reason)}</p>`
}

/** Chart, legend, table and the files of the layers that fail. */
export function layersPart({ tokens, title, pass }: ComparisonReport, id: string): string[] {
  const rows = layerRows(tokens)
  const failing = rows.filter(({ token }) => !token.pass)
  return [
    `<div class="figure">${layersChart(rows, id)}</div>`,
    legend(rows),
    `<details${pass ? '' : ' open'}><summary>Table of ${counted(rows.length, 'layer')}</summary>${table(rows, title, id)}</details>`,
    failing.length === 0
      ? ''
      : `<details><summary>Failing layers in detail</summary>${failing
          .slice(0, MOST_DETAILS)
          .map((row) => detail(row, id))
          .join(
            '',
          )}${failing.length > MOST_DETAILS ? `<p>and ${failing.length - MOST_DETAILS} more, in the table and the CSV</p>` : ''}</details>`,
  ]
}

const NATURAL = {
  floor: 'error of the floor, a second run of the golden in the precision of the dump',
  kind: 'error that layers of the same kind make of such an input',
} as const

/** Only what the chart shows. */
function legend(rows: readonly LayerRow[]): string {
  const from = rows.find(({ facts }) => facts.naturalFrom)?.facts.naturalFrom
  const has = (isShown: (row: LayerRow) => boolean) => rows.some(isShown)
  const isMeasured = ({ facts }: LayerRow) => facts.outputError !== undefined
  const keys = [
    '<span class="key value">●</span> output error (relative Euclidean distance, median over positions)',
    from ? `<span class="key flip">–</span> natural growth: ${NATURAL[from]}` : '',
    has(({ facts }) => facts.rule !== undefined) ? '<span class="key bad">◆</span> first layer that diverges' : '',
    has(({ facts }) => facts.outputError !== undefined && !Number.isFinite(facts.outputError))
      ? '<span class="key bad">▲</span> NaN or infinite'
      : '',
    has((row) => !isMeasured(row) && isAlone(row))
      ? '<span class="key alone">▭</span> only one side holds it (at the end)'
      : '',
    has((row) => !isMeasured(row) && !isAlone(row)) ? '<span class="key absent">▬</span> could not be compared' : '',
  ]
  return `<p class="legend">${keys.filter(Boolean).join(' ')}</p>`
}

const COLUMNS = [
  '#',
  'layer',
  'verdict',
  'error of output',
  'natural error',
  'error of input',
  'norm ratio',
  'cosine similarity',
  'max error',
  'reason',
]

function table(rows: readonly LayerRow[], title: string, id: string): string {
  const head = COLUMNS.map((name) => `<th scope="col" aria-sort="none"><button type="button">${name}</button></th>`)
  const filters =
    '<div class="filters" hidden><label>Filter <input type="search"></label> <label><input type="checkbox"> failing only</label> <output></output></div>'
  const failing = new Set(rows.filter(({ token }) => !token.pass).slice(0, MOST_DETAILS))
  const body = rows.map((row) => {
    const { index, token, facts } = row
    const { metrics } = token
    // A name that is too long breaks behind a dot.
    const name = escapeHtml(facts.name).replaceAll('.', '.<wbr>')
    const cells = [
      `<td>${failing.has(row) ? `<a href="#${id}-d${index}">${name}</a>` : name}`,
      `<td>${verdictOf(row)}`,
      numberCell(facts.outputError, errorText),
      numberCell(facts.naturalError, errorText),
      numberCell(facts.inputError, errorText),
      numberCell(facts.normRatio, errorText),
      numberCell(metrics?.cosineSimilarity, (value) => significant(value, 9)),
      numberCell(metrics?.maxAbsoluteError, errorText),
      `<td class="text">${escapeHtml(token.reason, 400)}`,
    ]
    return `<tr id="${id}-t${index}"${token.pass ? '' : ' class="bad"'} data-s="${index}"><th scope="row">${index}${cells.join('')}`
  })
  const row = namedRow(rows)
  const caption = `<caption>Every layer: ${escapeHtml(title)}</caption>`
  return `${filters}<div class="scroll" tabindex="0" role="region" aria-label="Layers of ${escapeHtml(title, MOST_TITLE)}"><table class="tokens layers" data-unit="layers"${row ? ` data-at="${row.index}"` : ''}>${caption}<thead><tr>${head.join('')}</tr></thead><tbody>\n${body.join('\n')}\n</tbody></table></div>`
}

function verdictOf({ token, facts }: LayerRow): string {
  if (facts.rule !== undefined) return 'diverges'
  return token.verdict === 'pass' ? 'compared' : token.verdict
}

/** Type, positions and files. */
function detail({ index, token, facts }: LayerRow, id: string): string {
  const { type, positions } = facts
  const parts = [
    type === undefined ? '' : `type ${escapeHtml(type)}`,
    positions === undefined ? '' : `${counted(positions, 'position')} used`,
    escapeHtml(token.reason),
  ]
  return `<article class="detail" id="${id}-d${index}"><h3>${escapeHtml(facts.name)}</h3><p>${parts.filter(Boolean).join(' · ')}</p><dl>${sideFacts('golden', token.golden)}${sideFacts('dump', token.dump)}</dl></article>`
}
