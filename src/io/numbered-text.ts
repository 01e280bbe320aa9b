import { isDigit } from './name-order.js'

// Leading zeros do not change a number.
const ZERO = 0x30

/** A text with a number in it: `before`, the number and `after`, joined, are the text. */
export interface NumberedText {
  readonly before: string
  readonly number: number
  readonly after: string
}

/**
 * Splits a text at the last number before `end`. Leading zeros of the number belong to `before`.
 * @returns undefined if there is no number, or if it has too many digits to be exact
 */
export function splitAtNumber(text: string, end = text.length): NumberedText | undefined {
  let stop = end
  while (stop > 0 && !isDigit(text, stop - 1)) stop--
  let start = stop
  while (start > 0 && isDigit(text, start - 1)) start--
  if (stop === start || stop - start > 15) return undefined
  while (start < stop - 1 && text.charCodeAt(start) === ZERO) start++
  return { before: text.slice(0, start), number: Number(text.slice(start, stop)), after: text.slice(stop) }
}

/** The whole number that a text is, without leading zeros and with at most 15 digits, so that it is exact; else undefined. */
export function wholeNumberIn(text: string): number | undefined {
  return /^(0|[1-9][0-9]{0,14})$/.test(text) ? Number(text) : undefined
}

/** The digits of a whole number. Not by a template string: V8 caches those, and never frees the cache. */
export function digitsOf(number: number): string {
  return number.toFixed()
}
