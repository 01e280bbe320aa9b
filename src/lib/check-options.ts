import { describeValue, invalidArgument, printable } from '../errors.js'

/**
 * Checks an options object of the caller. A key that is not in `allowed` is refused, so that a typo is never ignored.
 * @param what names the object in the error, e.g. `the options`
 * @param example a valid object, as code
 * @throws GoldenLogitsError `invalid-argument`
 */
export function checkObject<T extends object>(
  what: string,
  value: unknown,
  allowed: readonly string[],
  example: string,
): Partial<T> {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidArgument(`${what} must be an object such as ${example}, got ${describeValue(value)}`)
  }
  refuseUnknown('option', value, allowed)
  return value as Partial<T>
}

/** @throws GoldenLogitsError `invalid-argument` for a key that is not in `allowed` */
export function refuseUnknown(noun: string, value: object, allowed: readonly string[]): void {
  const unknown = Object.keys(value).find((key) => !allowed.includes(key))
  if (unknown === undefined) return
  throw invalidArgument(`there is no ${noun} '${printable(unknown, 40)}'; there are ${allowed.join(', ')}`)
}

/**
 * One of a few texts; the first one if the option is left out.
 * @throws GoldenLogitsError `invalid-argument`
 */
export function choice<T extends string>(name: string, value: unknown, choices: readonly [T, ...T[]]): T {
  return choiceIfGiven(name, value, choices) ?? choices[0]
}

/** The same, but undefined if the option is left out. */
export function choiceIfGiven<T extends string>(name: string, value: unknown, choices: readonly T[]): T | undefined {
  if (value === undefined) return undefined
  const match = choices.find((text) => text === value)
  if (match !== undefined) return match
  throw invalidArgument(
    `${name} must be ${alternatives(choices.map((text) => `'${text}'`))}, got ${describeValue(value)}`,
  )
}

/**
 * A whole number in [min, max], or undefined if the option is left out.
 * @throws GoldenLogitsError `invalid-argument`
 */
export function wholeNumber(name: string, value: unknown, min: number, max?: number): number | undefined {
  if (value === undefined) return undefined
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= (max ?? Infinity)) {
    return value as number
  }
  const range = max === undefined ? `from ${min}` : `from ${min} to ${max}`
  throw invalidArgument(`${name} must be a whole number ${range}, got ${describeValue(value)}`)
}

/**
 * One of a few texts, or a whole number from 0; undefined if the option is left out.
 * @param number what the number is, for the error
 * @throws GoldenLogitsError `invalid-argument`
 */
export function choiceOrNumber(name: string, value: unknown, choices: readonly string[], number: string): unknown {
  if (value === undefined || choices.some((text) => text === value)) return value
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value
  const texts = [...choices.map((text) => `'${text}'`), number]
  throw invalidArgument(`${name} must be ${alternatives(texts)}, got ${describeValue(value)}`)
}

/**
 * True or false; false if the option is left out.
 * @throws GoldenLogitsError `invalid-argument`
 */
export function flag(name: string, value: unknown): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? false
  throw invalidArgument(`${name} must be true or false, got ${describeValue(value)}`)
}

/**
 * A string that is not empty, or undefined if the option is left out.
 * @throws GoldenLogitsError `invalid-argument`
 */
export function nonEmptyString(name: string, value: unknown, example?: string): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '')) return value
  const hint = example === undefined ? '' : `, such as '${example}'`
  throw invalidArgument(`${name} must be a non-empty string${hint}, got ${describeValue(value)}`)
}

/** `'a'`, `'a' or 'b'`, `'a', 'b' or 'c'` */
function alternatives(texts: readonly string[]): string {
  return texts.length < 2 ? texts.join() : `${texts.slice(0, -1).join(', ')} or ${texts.at(-1)}`
}
