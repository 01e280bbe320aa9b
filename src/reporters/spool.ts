import type { Thresholds, TokenComparison } from '../compare/types.js'
import type { OptionalKey } from '../metrics/optional/table.js'
import type { OperationTypes } from '../report/rows.js'
import type { TestIdentity } from '../runner/test.js'

export const SPOOL_VERSION = 3

/** The first line of a comparison. It is written before the work begins, so that a comparison that never ends is noticed. */
export interface StartedLine extends TestIdentity {
  readonly kind: 'started'
  readonly v: typeof SPOOL_VERSION
  readonly id: string
  readonly matcher: string
  readonly isNot: boolean
  readonly soft: boolean
  readonly poll: boolean
  /** Milliseconds since 1970. */
  readonly at: number
}

/** What all tokens of a comparison share. Precedes them. */
export interface ComparedLine {
  readonly kind: 'compared'
  readonly id: string
  /** Absent if there are no limits. */
  readonly thresholds?: Thresholds | undefined
  /** The optional metrics that were asked for. */
  readonly metrics?: readonly OptionalKey[] | undefined
}

/** The id comes last: a line that ends with it is complete, which spares the reader from parsing every token to list them. */
export interface TokenLine {
  readonly kind: 'token'
  readonly token: TokenComparison
  readonly types?: OperationTypes
  readonly id: string
}

/** The last line of a comparison. */
export interface FinishedLine {
  readonly kind: 'finished'
  readonly id: string
  /** Whether the test's expectation holds, `.not` considered. `error`: the matcher threw an error. */
  readonly expectation: 'met' | 'not met' | 'error'
  /** The error, or why there are no tokens. */
  readonly error?: string
  /** How many lines of tokens precede. Absent if there was no comparison; likewise `notes` and `warnings`. */
  readonly tokens?: number
  readonly notes?: readonly string[]
  /** The notes that are warnings, again. */
  readonly warnings?: readonly string[]
  /** As of a report: why it fails, beside its tokens. */
  readonly inconclusive?: string
  readonly wholeFailure?: string
  readonly durationMs: number
}

/** In place of the lines that follow the first, which could not be written. */
export interface LostLine {
  readonly kind: 'lost'
  readonly id: string
  readonly rows: number
  readonly error: string
}

export type SpoolLine = StartedLine | ComparedLine | TokenLine | FinishedLine | LostLine

/** JSON has no NaN, infinities or -0: an object with this key holds such a number as text. */
const NUMBER_KEY = '$number'

/** A line with its end. */
export function spoolText(line: SpoolLine): string {
  return `${JSON.stringify(encode(line))}\n`
}

/** Data that JSON keeps exactly. Copies only the objects that hold a number which JSON does not know. */
function encode(value: unknown): unknown {
  if (isExact(value)) return value
  if (typeof value === 'number') {
    return { [NUMBER_KEY]: Object.is(value, -0) ? '-0' : String(value) }
  }
  if (Array.isArray(value)) return value.map(encode)
  return Object.fromEntries(Object.entries(value as object).map(([key, item]) => [key, encode(item)]))
}

/** True for data without a number that JSON does not know. */
function isExact(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0)
  if (typeof value !== 'object' || value === null) return true
  if (Array.isArray(value)) return value.every(isExact)
  for (const key in value) if (!isExact((value as Record<string, unknown>)[key])) return false
  return true
}

/** The id of a complete token line. JSON escapes quotes inside strings, so no cut line ends like this. */
export function tokenLineId(text: string): string | undefined {
  if (!text.startsWith('{"kind":"token"') || !text.endsWith('"}')) return undefined
  const start = text.lastIndexOf(',"id":"')
  return start < 0 ? undefined : text.slice(start + 7, -2)
}

/**
 * Parses a line, whose content is not checked.
 * @returns undefined for a line that is not complete: its worker was killed while it wrote
 */
export function parseSpoolLine(text: string): { readonly kind: string; readonly id: string } | undefined {
  try {
    const revive = text.includes(NUMBER_KEY) ? decode : undefined
    const line = JSON.parse(text, revive)
    return typeof line?.id === 'string' && typeof line.kind === 'string' ? line : undefined
  } catch {
    return undefined
  }
}

function decode(_key: string, value: unknown): unknown {
  const text = typeof value === 'object' && value !== null && (value as Record<string, unknown>)[NUMBER_KEY]
  return typeof text === 'string' ? Number(text) : value
}
