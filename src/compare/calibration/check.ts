import { GoldenLogitsError, printable } from '../../errors.js'
import { PRECISIONS } from '../../metrics/precision.js'
import { QUANTITIES } from './quantities.js'
import {
  CALIBRATION_FORMAT,
  CALIBRATION_VERSION,
  type Calibration,
  type MeasuredRunKey,
  type MetricSpread,
  type TokenLimitKey,
} from './types.js'

/** Texts of a calibration are at most this long. */
const MOST_TEXT = 1000
const MOST_NOTES = 100

const KEYS = [
  ...['format', 'version', 'model', 'dtype', 'golden', 'tensorParallel', 'device', 'measured', 'tokens'],
  ...['spread', 'tokenLimits', 'runTokens', 'runLimits', 'notes'],
]

const SPREAD_KEYS = ['median', 'p90', 'p99', 'max', 'tail', 'tailTokens']

const QUANTITY_KEYS = QUANTITIES.map(({ key }) => key)

const TOKEN_LIMITS: readonly TokenLimitKey[] = QUANTITIES.flatMap(({ tokenLimit }) => tokenLimit ?? [])

const RUN_LIMITS: readonly MeasuredRunKey[] = QUANTITIES.flatMap(({ runLimit }) => runLimit ?? [])

/**
 * Checks what a file or a caller gives as a calibration.
 * @param file that it was read from
 * @returns a copy with only what was checked
 * @throws GoldenLogitsError `bad-calibration`
 */
export function checkCalibration(value: unknown, file?: string): Calibration {
  const bad = (message: string) => {
    const advice = file === undefined ? 'pass what calibrate returned' : 'calibrate again'
    return new GoldenLogitsError('bad-calibration', `${message}; ${advice}`, file === undefined ? {} : { file })
  }
  const object = (name: string, given: unknown, keys: readonly string[]) => {
    if (typeof given !== 'object' || given === null || Array.isArray(given)) {
      throw bad(`${name} must be an object, got ${typeName(given)}`)
    }
    const unknown = Object.keys(given).find((key) => !keys.includes(key))
    if (unknown !== undefined) throw bad(`${name} has an unknown key '${printable(unknown, 40)}'`)
    return given as Readonly<Record<string, unknown>>
  }
  if (typeof value !== 'object' || value === null || (value as Partial<Calibration>).format !== CALIBRATION_FORMAT) {
    throw bad(`is no calibration: expected an object with "format": "${CALIBRATION_FORMAT}"`)
  }
  const { version } = value as { version?: unknown }
  if (version !== CALIBRATION_VERSION) {
    const found = typeof version === 'number' ? String(version) : typeName(version)
    throw bad(`has version ${found}, and this version of golden-logits reads ${CALIBRATION_VERSION}`)
  }
  const all = object('the calibration', value, KEYS)
  const text = (name: string, given: unknown) => {
    if (typeof given === 'string' && given !== '' && given.length <= MOST_TEXT) return given
    throw bad(`${name} must be a text of 1 to ${MOST_TEXT} characters, got ${typeName(given)}`)
  }
  const number = (name: string, given: unknown, fits: (value: number) => boolean, range: string) => {
    if (typeof given === 'number' && Number.isFinite(given) && fits(given)) return given
    throw bad(`${name} must be a number ${range}, got ${typeof given === 'number' ? given : typeName(given)}`)
  }
  const count = (name: string, given: unknown) =>
    number(name, given, (n) => Number.isSafeInteger(n) && n >= 1, 'from 1, without fraction')
  const precision = (name: string) => {
    const found = PRECISIONS.find((one) => one === all[name])
    if (found === undefined) throw bad(`${name} must be ${PRECISIONS.join(', ')}, got ${quoted(all[name])}`)
    return found
  }
  /** An object some of whose keys may be left out. @param check is given the path of a value, and the value */
  const some = <Key extends string, T>(
    name: string,
    keys: readonly Key[],
    check: (path: string, value: unknown) => T,
  ) => {
    const entries = Object.entries(object(name, all[name], keys))
    const checked = entries.map(([key, entry]) => [key, check(`${name}.${key}`, entry)])
    return Object.fromEntries(checked) as { readonly [K in Key]?: T }
  }
  const limitOf = (path: string, entry: unknown) => {
    const { limit, reason } = object(path, entry, ['limit', 'reason'])
    const checked = path.endsWith('.cosineSimilarity')
      ? number(`${path}.limit`, limit, (n) => n >= -1 && n < 1, 'in [-1, 1)')
      : number(`${path}.limit`, limit, (n) => n > 0, 'above 0')
    return { limit: checked, reason: text(`${path}.reason`, reason) }
  }
  const spreadOf = (path: string, entry: unknown) => {
    const facts = object(path, entry, SPREAD_KEYS)
    const numbers = SPREAD_KEYS.map((key) => [key, number(`${path}.${key}`, facts[key], (n) => n >= 0, 'from 0')])
    return Object.fromEntries(numbers) as MetricSpread
  }
  const notes = () => {
    if (!Array.isArray(all.notes) || all.notes.length > MOST_NOTES) {
      throw bad(`notes must be a list of at most ${MOST_NOTES} texts`)
    }
    return all.notes.map((note: unknown, i: number) => text(`notes[${i}]`, note))
  }
  return {
    format: CALIBRATION_FORMAT,
    version: CALIBRATION_VERSION,
    model: text('model', all.model),
    dtype: precision('dtype'),
    golden: precision('golden'),
    tensorParallel: count('tensorParallel', all.tensorParallel),
    device: text('device', all.device),
    measured: text('measured', all.measured),
    tokens: count('tokens', all.tokens),
    spread: some('spread', QUANTITY_KEYS, spreadOf),
    tokenLimits: some('tokenLimits', TOKEN_LIMITS, limitOf),
    runTokens: count('runTokens', all.runTokens),
    runLimits: some('runLimits', RUN_LIMITS, limitOf),
    notes: notes(),
  }
}

function quoted(value: unknown): string {
  return typeof value === 'string' ? `'${printable(value, 40)}'` : typeName(value)
}

function typeName(value: unknown): string {
  if (value === null) return 'null'
  if (value === undefined) return 'nothing'
  if (typeof value === 'string') return value === '' ? 'an empty text' : `a text of ${value.length} characters`
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
