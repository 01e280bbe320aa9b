import { appendFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import type { Thresholds, TokenComparison } from '../compare/types.js'
import type { TestIdentity } from '../runner/test.js'

/** The environment variable with which the reporter names the folder for the rows of a run to the workers. */
export const RUN_DIR_VARIABLE = 'GOLDEN_LOGITS_RUN_DIR'

export const SPOOL_VERSION = 2

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
}

/** The id comes last: a line that ends with it is complete, which spares the reader from parsing every token to list them. */
export interface TokenLine {
  readonly kind: 'token'
  readonly token: TokenComparison
  readonly id: string
}

/** The last line of a comparison. */
export interface FinishedLine {
  readonly kind: 'finished'
  readonly id: string
  /** Whether the test's expectation holds, `.not` considered. `error`: there was no comparison. */
  readonly expectation: 'met' | 'not met' | 'error'
  readonly error?: string
  /** Absent if there was no comparison; likewise `warnings`. */
  readonly notes?: readonly string[]
  /** The notes that are warnings, again. */
  readonly warnings?: readonly string[]
  readonly durationMs: number
}

export type SpoolLine = StartedLine | ComparedLine | TokenLine | FinishedLine

/** Lines are written in pieces of at most this many bytes, except for a longer line, however many tokens there are. */
const PIECE = 1 << 16

/**
 * Appends lines to this worker's own file. Once the call has returned, the lines outlive the worker, however it ends.
 * Threads share a process id, and both halves of the package (ESM and CommonJS) may run in one thread: pieces are appended
 * as one write each, so they do not mix.
 */
export function appendToSpool(runDir: string, lines: Iterable<SpoolLine>): void {
  const file = join(runDir, `${process.pid}-${threadId}.jsonl`)
  // A buffer, not a string: a string that grows line by line survives V8's young collections and enlarges the heap.
  const piece = Buffer.allocUnsafe(PIECE)
  let length = 0
  for (const line of lines) {
    const text = `${JSON.stringify(encode(line))}\n`
    const maxBytes = 3 * text.length
    if (length + maxBytes > PIECE) {
      append(file, runDir, piece.subarray(0, length))
      length = 0
    }
    if (maxBytes > PIECE) append(file, runDir, Buffer.from(text))
    else length += piece.write(text, length)
  }
  append(file, runDir, piece.subarray(0, length))
}

function append(file: string, runDir: string, bytes: Uint8Array): void {
  if (bytes.length === 0) return
  try {
    appendFileSync(file, bytes)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    mkdirSync(runDir, { recursive: true })
    appendFileSync(file, bytes)
  }
}

/** JSON has no NaN, infinities or -0: an object with this key holds such a number as text. */
const NUMBER_KEY = '$number'

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

/** @returns undefined for a line that is not complete: its worker was killed while it wrote */
export function parseSpoolLine(text: string): SpoolLine | undefined {
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
