import { GoldenLogitsError, printable } from '../errors.js'
import { type Budgets, withinBudget } from '../io/budgets.js'
import { type ByteSource, readBytes } from '../io/byte-source.js'

/** A value that JSON.parse made. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

type JsonObject = { [key: string]: Json }

/** Strings, also one that never ends, and the numbers that Python's json module writes although JSON has none of them. */
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"?|-?Infinity|NaN/gs

/** 1e999 reads as Infinity. NaN becomes text, which few readers take for a number. */
const AS_JSON: Readonly<Record<string, string>> = { Infinity: '1e999', '-Infinity': '-1e999', NaN: '"NaN"' }

/** What to do if a file that looks like one of these is no JSON. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/logprob|completion_probabilities/, 'save the whole answer of the server'],
  [/logits"\s*:/, 'write the file again: one JSON object on each line'],
]

/** Whether a file may be JSON, by its first bytes. */
export function startsJson(source: ByteSource): boolean {
  const head = Buffer.from(readBytes(source, 0, Math.min(64, source.size))).toString('latin1')
  return /^(?:\u00ef\u00bb\u00bf)?\s*[[{]/.test(head)
}

/**
 * The values in a file of JSON: one, or one on each line. An array of objects stands for its items.
 * @returns undefined for a text that is neither JSON nor looks like a file of logits or log-probabilities
 * @throws GoldenLogitsError `limit-exceeded`, `unsupported-format` for a file that was cut
 */
export function readJson(source: ByteSource, budgets: Budgets): Json[] | undefined {
  const { file } = source
  const text = jsonText(source, budgets)
  try {
    return valuesIn(text)
  } catch (error) {
    const advice = ADVICE.find(([pattern]) => pattern.test(text))?.[1]
    if (advice === undefined) return undefined
    const message = `is no JSON: ${printable((error as Error).message, 120)}; ${advice}`
    throw new GoldenLogitsError('unsupported-format', message, { file, cause: error })
  }
}

/**
 * The text of a file of JSON, without a mark of the byte order. No value is built before the budgets are checked.
 * @throws GoldenLogitsError `limit-exceeded`
 */
export function jsonText(source: ByteSource, budgets: Budgets): string {
  const { file, size } = source
  withinBudget(budgets, 'jsonBytes', size, 'bytes of a JSON file', { file })
  const bytes = readBytes(source, 0, size)
  withinBudget(budgets, 'jsonValues', mostValues(bytes), 'values in a JSON file', { file })
  return withoutMark(Buffer.from(bytes.buffer, bytes.byteOffset, size).toString('utf8'))
}

/** Some editors put a mark of the byte order before a text, which is no JSON. */
export function withoutMark(text: string): string {
  return text.replace(/^\ufeff/, '')
}

/** At least the number of values but one: commas and opening brackets, also those in strings. */
export function mostValues(bytes: Uint8Array): number {
  let count = 0
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]
    if (byte === 0x2c || byte === 0x5b || byte === 0x7b) count++
  }
  return count
}

/** @throws SyntaxError that of `JSON.parse` */
function valuesIn(text: string): Json[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const first = lines.length > 1 ? tryParse(lines[0]!) : undefined
  // A value over several lines has no whole value on its first.
  if (first === undefined) return itemsOf(parse(text))
  return lines.flatMap((line, i) => {
    if (i === 0) return itemsOf(first)
    try {
      return itemsOf(parse(line))
    } catch (error) {
      throw new SyntaxError(`line ${i + 1}: ${(error as Error).message}`)
    }
  })
}

/** The items of an array of objects; any other value alone. The positions of one answer have vocab ids as keys. */
function itemsOf(value: Json): Json[] {
  const isList = Array.isArray(value) && value.length > 0
  return isList && value.every((item) => isObject(item) && Object.keys(item).some((key) => /\D/.test(key)))
    ? value
    : [value]
}

function tryParse(text: string): Json | undefined {
  try {
    return parse(text)
  } catch {
    return undefined
  }
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch (error) {
    if (!/Infinity|NaN/.test(text)) throw error
  }
  return JSON.parse(text.replace(STRING_OR_NUMBER, (found) => AS_JSON[found] ?? found)) as Json
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value of a key of the object itself: `__proto__` is a key like any other. */
export function at(value: Json | undefined, ...keys: readonly string[]): Json | undefined {
  let found = value
  for (const key of keys) {
    if (!isObject(found) || !Object.hasOwn(found, key)) return undefined
    found = found[key]
  }
  return found
}

export function listAt(value: Json | undefined, ...keys: readonly string[]): Json[] | undefined {
  const found = at(value, ...keys)
  return Array.isArray(found) ? found : undefined
}
