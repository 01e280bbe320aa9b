import { printable } from '../../errors.js'
import { significant } from '../../lib/number-text.js'

/**
 * Text for HTML, in an element or a quoted attribute. Control and direction characters are escaped first, so that no file
 * name can hide another.
 */
export function escapeHtml(text: string, most = 2000): string {
  return printable(text, most).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** A number for people: at most six digits; small ones with an exponent. */
export function shortNumber(value: number | undefined): string {
  if (value === undefined) return ''
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '−∞'
  const text = significant(value, 6)
  return /^-?0\.000/.test(text) ? Number(value.toPrecision(6)).toExponential() : text
}
