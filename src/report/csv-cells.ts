import { printable } from '../errors.js'

/** Long enough for any path; what is longer is cut in the middle. */
const MAX_TEXT = 4096

/**
 * A text for a CSV cell: control and direction characters escaped, and a leading `'` where a spreadsheet would take it for
 * a formula (`= + - @`, also in their full-width forms).
 */
export function textCell(text: string): string {
  const safe = printable(text, MAX_TEXT)
  return /^[=+\-@＝＋－＠]/.test(safe) ? `'${safe}` : safe
}

/** A number at full precision: the shortest decimal that reads back as the same float64; `inf`, `-inf`, `nan`. */
export function numberCell(value: number | undefined): string {
  if (value === undefined) return ''
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'
}

/** One line of RFC 4180, with its line end. */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\n`
}
