import { createHash } from 'node:crypto'
import { counted } from '../../lib/number-text.js'
import { failureSummary, isWithin, type ReportDocument, verdictsText } from '../document.js'
import { escapeHtml, shortNumber } from './escape.js'
import { SCRIPT } from './script.js'
import { comparisonSection } from './section.js'
import { STYLE } from './style.js'

/** With more comparisons than these, the browser lays out only those in view. */
const MANY = 8

/**
 * The report as one self-contained page: no request leaves it, which its content security policy enforces, and everything is
 * there without scripts. Failing comparisons come first.
 */
export function htmlPage({ comparisons }: ReportDocument): string {
  const sorted = comparisons
    .map((report, index) => ({ report, index }))
    .sort((a, b) => Number(a.report.pass) - Number(b.report.pass) || a.index - b.index)
  const failed = comparisons.filter(({ pass }) => !pass).length
  const count = counted(comparisons.length, 'comparison')
  const all = comparisons.every(isWithin) ? 'all within limits' : 'all as their tests expect'
  const verdict = failed === 0 ? all : `${failed} ${failed === 1 ? 'fails' : 'fail'}`
  const policy = `default-src 'none'; style-src '${hash(STYLE)}'; script-src '${hash(SCRIPT)}'; img-src data:; base-uri 'none'; form-action 'none'`
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<link rel="icon" href="data:,">',
    `<title>${failed === 0 ? '✓' : '✗'} golden-logits: ${count}, ${verdict}</title>`,
    `<style>${STYLE}</style></head><body><main${comparisons.length > MANY ? ' class="many"' : ''}>`,
    `<h1>golden-logits: ${count}, ${verdict}</h1>`,
    comparisons.length > 1 ? summaryTable(sorted) : '',
    ...sorted.map(({ report, index }) => comparisonSection(report, index)),
    `</main><script>${SCRIPT}</script></body></html>`,
    '',
  ].join('\n')
}

function summaryTable(sorted: readonly { report: ReportDocument['comparisons'][number]; index: number }[]): string {
  const rows = sorted.map(({ report, index }) => {
    const why = report.pass ? '' : (failureSummary(report) ?? '')
    const kl = report.statistics ? shortNumber(report.statistics.maxKl.value) : ''
    return `<tr${report.pass ? '' : ' class="bad"'}><th scope="row"><a href="#c${index}">${escapeHtml(report.title)}</a><td>${report.pass ? '✓' : '✗'}<td>${escapeHtml(beginning(why))}<td>${kl}<td>${escapeHtml(verdictsText(report))}`
  })
  return `<table class="summary"><caption>Comparisons, failing ones first</caption><thead><tr><th scope="col">comparison<th scope="col">verdict<th scope="col">first failing token, or why it fails<th scope="col">highest KL<th scope="col">counts</tr></thead><tbody>${rows.join('')}</tbody></table>`
}

/** The section of the comparison has all of it. */
function beginning(text: string): string {
  return text.length > 120 ? `${text.slice(0, 119)}…` : text
}

function hash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}
