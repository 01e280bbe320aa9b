/** A value that JSON.parse made. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

export type JsonObject = { [key: string]: Json }

/** Strings, and the numbers that Python's json module writes although JSON has none of them. */
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g

/** 1e999 reads as Infinity. NaN becomes text, which no reader takes for a number. */
const AS_JSON: Readonly<Record<string, string>> = { Infinity: '1e999', '-Infinity': '-1e999', NaN: '"NaN"' }

/**
 * Parses the answers of a server: one JSON value, or one on each line. An array of objects stands for its items.
 * @throws SyntaxError that of `JSON.parse`
 */
export function parseAnswers(text: string): Json[] {
  const whole = tryParse(text)
  if (whole !== undefined) return Array.isArray(whole) && isAnswers(whole) ? whole : [whole]
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  if (lines.length > 1 && lines[0]!.trimStart().startsWith('{')) {
    const answers = lines.map(tryParse)
    if (answers.every((answer) => answer !== undefined)) return answers
  }
  return [JSON.parse(text) as Json]
}

/** The array holds answers, not the positions of one. */
function isAnswers(items: Json[]): boolean {
  return items.length > 0 && items.every((item) => isObject(item) && Object.keys(item).some((key) => /\D/.test(key)))
}

function tryParse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    if (!/Infinity|NaN/.test(text)) return undefined
  }
  try {
    return JSON.parse(text.replace(STRING_OR_NUMBER, (found) => AS_JSON[found] ?? found)) as Json
  } catch {
    return undefined
  }
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
