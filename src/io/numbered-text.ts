import { isDigit } from './name-order.js'

// `0`, the only digit that may stand before others without changing the number.
const ZERO = 0x30

/** A text around a number: `before`, the number and `after` make the text again. */
export interface NumberedText {
  readonly before: string
  readonly number: number
  readonly after: string
}

/**
 * Takes a text apart at its last number, before `end`; zeros in front of the number belong to `before`.
 * @returns undefined where there is none, or one of so many digits that it might not be exact
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

/** A whole number from 0 as text. Not by a template, for V8 keeps those texts a while, and makes room for them that stays. */
export function digitsOf(number: number): string {
  return number.toFixed()
}
