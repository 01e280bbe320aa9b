import { isFlip } from '../../compare/divergence.js'
import type { TokenComparison } from '../../compare/types.js'
import { counted, significant } from '../../lib/number-text.js'
import { type OptionalKey, optionalRow } from '../../metrics/optional/table.js'
import { METRICS } from '../../metrics/table.js'
import { type ComparisonReport, isWithin, MOST_TITLE, verdictsText } from '../document.js'
import { candidatesTable } from './candidates.js'
import { chartSvg } from './chart.js'
import { escapeHtml, shortNumber } from './escape.js'
import { numberCell, rangeCell, sideFacts } from './facts.js'
import { layersHeadline, layersPart } from './layers/part.js'
import { placesOf, tokenKey } from './place.js'
import { limitsText, statisticsTable } from './statistics.js'

/** How many failing tokens are shown with their files and every metric. */
const MOST_DETAILS = 100

/** One comparison: verdict, first failing token or first layer that diverges, chart, notes, statistics, table. */
export function comparisonSection(report: ComparisonReport, index: number): string {
  const id = `c${index}`
  const { title, pass, test, notes, tokens, problem, message, inconclusive, wholeFailure } = report
  const failing = tokens.filter((token) => !token.pass)
  const hasLayers = tokens.some(({ layer }) => layer)
  return [
    `<section class="comparison ${pass ? 'passes' : 'fails'}" id="${id}" aria-labelledby="${id}-h">`,
    `<h2 id="${id}-h"><span class="badge">${badge(report, hasLayers)}</span> ${escapeHtml(title)}</h2>`,
    test ? `<p class="where">${testText(test)}</p>` : '',
    `<p class="counts">${escapeHtml(verdictsText(report))}</p>`,
    problem
      ? `<p class="headline"><span class="verdict">${problem.verdict}</span> ${escapeHtml(problem.reason)}</p>`
      : '',
    inconclusive === undefined
      ? ''
      : `<p class="headline"><span class="verdict">inconclusive</span> ${escapeHtml(inconclusive)}</p>`,
    wholeFailure === undefined
      ? ''
      : `<p class="headline"><span class="verdict">fails as a whole</span> ${escapeHtml(wholeFailure)}</p>`,
    hasLayers ? layersHeadline(tokens, id) : failing[0] ? headline(failing[0], id) : '',
    notesList(notes.filter(({ weight }) => weight === 'warning')),
    ...(hasLayers ? layersPart(report, id) : tokens.length === 0 ? [] : tokensPart(report, id)),
    statisticsTable(report),
    message === undefined ? '' : `<details><summary>Message</summary><pre>${linesOf(message)}</pre></details>`,
    provenance(report),
    '</section>',
  ].join('\n')
}

function badge(report: ComparisonReport, hasLayers: boolean): string {
  if (!report.pass) return '✗ fails'
  if (!isWithin(report)) return '✓ fails, as its test expects'
  return hasLayers ? '✓ no layer diverges' : '✓ within limits'
}

/** Text of several lines, each escaped. */
function linesOf(text: string): string {
  const lines = text.split('\n').map((line) => escapeHtml(line, 1000))
  return lines.join('\n')
}

/** Chart, table, and the files of failing tokens. */
function tokensPart(report: ComparisonReport, id: string): string[] {
  const { pass, tokens } = report
  const failing = tokens.filter((token) => !token.pass)
  const shown = shownTokens(tokens)
  const part = shown.length < tokens.length ? `${shown.length} of ` : ''
  return [
    `<div class="figure">${chartSvg(report, id)}</div>`,
    legend(),
    `<details${pass ? '' : ' open'}><summary>Table of ${part}${counted(tokens.length, 'token')}</summary>${table(report, shown, id)}</details>`,
    failing.length > 0
      ? `<details><summary>Failing tokens in detail</summary>${failing
          .slice(0, MOST_DETAILS)
          .map((token) => detail(token, id, report.metrics))
          .join('')}${more(failing.length)}</details>`
      : '',
  ]
}

function testText({
  file,
  name,
  project,
  ordinal,
  repetition,
  attempt,
  expectation,
  isNot,
  matcher,
}: NonNullable<ComparisonReport['test']>): string {
  const parts = [
    escapeHtml(file),
    escapeHtml(name),
    project === '' ? '' : `project ${escapeHtml(project)}`,
    ordinal > 1 ? `comparison ${ordinal} of the test` : '',
    repetition > 1 ? `repetition ${repetition}` : '',
    attempt > 1 ? `attempt ${attempt}` : '',
    `${isNot ? '.not' : ''}.${escapeHtml(matcher)}: ${expectation}`,
  ]
  return parts.filter(Boolean).join(' · ')
}

/** What is wrong with the first failing token, in one line. */
function headline(token: TokenComparison, id: string): string {
  const top = isFlip(token) ? ` · top-1 ${token.golden!.top1} → ${token.dump!.top1}` : ''
  return `<p class="headline"><a href="#${id}-t${tokenKey(token)}">First failing token: <strong>${tokenKey(token)}</strong></a> <span class="verdict">${token.verdict}</span> ${escapeHtml(token.reason)}${top}</p>`
}

function notesList(notes: ComparisonReport['notes']): string {
  if (notes.length === 0) return ''
  const items = notes.map(({ weight, text }) => `<li class="${weight}">${weight}: ${escapeHtml(text)}</li>`)
  return `<ul class="notes">${items.join('')}</ul>`
}

function legend(): string {
  return '<p class="legend"><span class="key bad">◆</span> fails <span class="key flip">○</span> top-1 differs <span class="key tie">◌</span> near-tie <span class="key limit">┄</span> limit <span class="key flip">–</span> most that rounding makes <span class="key value">❘</span> between bounds <span class="key absent">▬</span> not measured</p>'
}

const COLUMNS = [
  'token',
  'verdict',
  'KL divergence',
  'cosine similarity',
  'top-1 golden',
  'top-1 dump',
  'max absolute error',
  'reason',
]

/** More rows make a page that is slow to open and to sort. */
const MOST_ROWS = 5000

/** Of a table with more rows, only those that need a look are printed: others would take dozens of pages. */
const MOST_PRINTED = 20

/** The tokens that the table shows: of a long comparison, those that need a look, and the first others. */
function shownTokens(tokens: readonly TokenComparison[]): readonly TokenComparison[] {
  if (tokens.length <= MOST_ROWS) return tokens
  let others = Math.max(0, MOST_ROWS - tokens.filter(needsLook).length)
  return tokens.filter((token) => needsLook(token) || others-- > 0).slice(0, MOST_ROWS)
}

function needsLook(token: TokenComparison): boolean {
  return !token.pass || isFlip(token)
}

function table(
  { tokens, title, metrics: asked = [] }: ComparisonReport,
  shown: readonly TokenComparison[],
  id: string,
): string {
  const names = [...COLUMNS.slice(0, -1), ...asked.map((key) => optionalRow(key).label), ...COLUMNS.slice(-1)]
  const head = names.map((name) => `<th scope="col" aria-sort="none"><button type="button">${name}</button></th>`)
  const filters =
    '<div class="filters" hidden><label>Filter <input type="search"></label> <label><input type="checkbox"> failing only</label> <output></output></div>'
  const places = placesOf(tokens)
  const detailed = new Set(tokens.filter(({ pass }) => !pass).slice(0, MOST_DETAILS))
  const rows = shown.map((token) => {
    const { verdict, pass, metrics, bounds, golden, dump, reason } = token
    const key = tokenKey(token)
    const cells = [
      metrics || !bounds ? numberCell(metrics?.klDivergence) : rangeCell(bounds.klDivergence, 'hi'),
      cosineCell(token),
      `<td>${golden?.top1 ?? ''}`,
      `<td>${dump?.top1 ?? ''}`,
      numberCell(metrics?.maxAbsoluteError),
      ...asked.map((key) => (metrics && metrics[key] === undefined ? '<td>n/a' : numberCell(metrics?.[key]))),
      `<td class="text">${escapeHtml(reason, 400)}`,
    ]
    const kind = `${pass ? '' : 'bad'}${isFlip(token) ? ' flipped' : ''}`.trim()
    return `<tr id="${id}-t${key}"${kind === '' ? '' : ` class="${kind}"`} data-s="${places.get(token)}"><th scope="row">${detailed.has(token) ? `<a href="#${id}-d${key}">${key}</a>` : key}<td>${verdict}${cells.join('')}`
  })
  const first = tokens.find(({ pass }) => !pass)
  const at = first ? ` data-at="${places.get(first)}"` : ''
  const kinds = shown.every(needsLook)
    ? 'the first that fail or whose top-1 differs'
    : 'those that fail or whose top-1 differs, then the first others'
  const which =
    shown.length < tokens.length
      ? `${shown.length} of ${tokens.length} tokens (${kinds}; the CSV and JSON reports have all)`
      : 'Every token'
  const caption = `<caption>${which} of ${escapeHtml(title)}</caption>`
  return `${filters}<div class="scroll" tabindex="0" role="region" aria-label="Tokens of ${escapeHtml(title, MOST_TITLE)}"><table class="tokens${shown.length > MOST_PRINTED ? ' long' : ''}"${at}>${caption}<thead><tr>${head.join('')}</tr></thead><tbody>\n${rows.join('\n')}\n</tbody></table></div>`
}

/** Six digits of 0.9999996 would be 1, and hide that the rows differ. */
function cosineCell({ metrics, bounds }: TokenComparison): string {
  if (!metrics && bounds?.cosineSimilarity) return rangeCell(bounds.cosineSimilarity, 'lo')
  if ((metrics ?? bounds) && metrics?.cosineSimilarity === undefined) return '<td>n/a'
  return numberCell(metrics?.cosineSimilarity, (value) => significant(value, 9))
}

/** Files, every metric, and the most probable tokens of both sides. */
function detail(token: TokenComparison, id: string, asked: readonly OptionalKey[] = []): string {
  const { verdict, reason, metrics, golden, dump } = token
  const all = [...METRICS, ...asked.map((key) => ({ key, label: optionalRow(key).label }))]
  const values = all.map(
    ({ key, label }) =>
      `<tr><th scope="row">${label}<td>${metrics && metrics[key] === undefined ? 'n/a' : shortNumber(metrics?.[key])}`,
  )
  return [
    `<article class="detail" id="${id}-d${tokenKey(token)}"><h3>Token ${tokenKey(token)}: ${verdict}</h3><p>${escapeHtml(reason)}</p>`,
    metrics ? `<table>${values.join('')}</table>` : '',
    candidatesTable(token),
    `<dl>${sideFacts('golden', golden)}${sideFacts('dump', dump)}</dl></article>`,
  ].join('')
}

function more(count: number): string {
  return count > MOST_DETAILS ? `<p>and ${count - MOST_DETAILS} more failing tokens, in the table and the CSV</p>` : ''
}

/** Where the logits came from, the limits, and the notes that weaken nothing. */
function provenance({ goldenPath, dumpPath, thresholds, notes }: ComparisonReport): string {
  const path = (name: string, value: string | undefined) =>
    value === undefined ? '' : `<dt>${name}<dd><code>${escapeHtml(value, 4096)}</code>`
  const limits = thresholds ? `<dt>limits<dd>${limitsText(thresholds)}` : ''
  const infos = notesList(notes.filter(({ weight }) => weight === 'info'))
  return `<details><summary>Paths, limits and notes</summary><dl>${path('golden', goldenPath)}${path('dump', dumpPath)}${limits}</dl>${infos}</details>`
}
