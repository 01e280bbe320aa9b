import { appendFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import type { TestIdentity } from './runner-context.js'

/** Set by the reporter for the workers of a run: the folder where they leave their rows. */
export const RUN_DIR_VARIABLE = 'GOLDEN_LOGITS_RUN_DIR'

export const SPOOL_VERSION = 1

/** The first line of a comparison, written before its work begins: one that never ends is seen. */
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

/** One token: the cells of `TOKEN_COLUMNS`. */
export interface TokenLine {
  readonly kind: 'token'
  readonly id: string
  readonly cells: readonly string[]
}

/** The last line of a comparison. */
export interface FinishedLine {
  readonly kind: 'finished'
  readonly id: string
  /** Did the test's expectation hold, `.not` considered? `error`: there was nothing to expect of. */
  readonly expectation: 'met' | 'not met' | 'error'
  readonly error?: string
  readonly durationMs: number
}

export type SpoolLine = StartedLine | TokenLine | FinishedLine

/** Lines are handed to the system in pieces of at most so many bytes, but for longer ones, however many tokens there are. */
const PIECE = 1 << 16

/**
 * Appends lines to this worker's own file. Once a call has returned they outlive the worker, whatever ends it.
 * Threads share a process id, and an ESM and a CommonJS half of the package a thread: appended pieces do not mix.
 */
export function appendToSpool(runDir: string, lines: Iterable<SpoolLine>): void {
  const file = join(runDir, `${process.pid}-${threadId}.jsonl`)
  // Bytes at once: a text that grows line by line survives V8's collections of young garbage, which makes room for more.
  const piece = Buffer.allocUnsafe(PIECE)
  let length = 0
  for (const line of lines) {
    const text = `${JSON.stringify(line)}\n`
    const most = 3 * text.length
    if (length + most > PIECE) {
      append(file, runDir, piece.subarray(0, length))
      length = 0
    }
    if (most > PIECE) append(file, runDir, Buffer.from(text))
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
