/**
 * Every reason for which golden-logits refuses an input: a file, a dump or an argument. Callers can branch on `code`
 * and need not parse messages.
 */
export const ERROR_CODES = [
  // the file itself
  'file-not-found',
  'permission-denied',
  'not-a-regular-file',
  'file-changed',
  'read-failed',
  'unsupported-format',
  // containers and pickles
  'bad-archive',
  'crc-mismatch',
  'malformed-pickle',
  'unsupported-opcode',
  'disallowed-global',
  'bad-storage',
  'bad-tensor',
  'unsupported-dtype',
  'no-tensor',
  'bad-legacy',
  'bad-header',
  'bad-bin',
  'no-data',
  'limit-exceeded',
  // dumps
  'nothing-to-compare',
  'ambiguous-run',
  'ambiguous-layer',
  // snapshots
  'bad-snapshot',
  'snapshot-version',
  'snapshot-mismatch',
  'write-failed',
  // calibrations
  'bad-calibration',
  'calibration-mismatch',
  // arguments
  'invalid-argument',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

export interface ErrorDetails {
  /** The file or folder that the error is about. */
  file?: string
  /** Byte offset in that file, if known. */
  offset?: number
  /** The name of the budget that was exceeded, as the option `budgets` spells it. */
  budget?: string
  cause?: unknown
}

/**
 * The only error class of the package. `message` is one line of at most 1,000 characters that names the file, what was
 * found, what was expected and what to do.
 */
export class GoldenLogitsError extends Error {
  readonly code: ErrorCode
  readonly file?: string
  readonly offset?: number
  readonly budget?: string

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    const where = details.file === undefined ? '' : `${printable(details.file, 400)}: `
    super(`${where}${message}`.slice(0, 1000), details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'GoldenLogitsError'
    this.code = code
    this.file = details.file
    this.offset = details.offset
    this.budget = details.budget
  }
}

/**
 * Runs the body of a public function. An error of ours, and its cause, then have the stack of the caller, without frames
 * of this package: runners show the code at the first frame, which is the user's line. Any other error is a bug, and keeps
 * its stack.
 * @param entry the public function
 */
export function atCaller<T>(entry: (...args: never[]) => unknown, body: () => T): T {
  try {
    return body()
  } catch (error) {
    if (error instanceof GoldenLogitsError) {
      Error.captureStackTrace(error, entry)
      if (typeof error.cause === 'object' && error.cause !== null) Error.captureStackTrace(error.cause, entry)
    }
    throw error
  }
}

/** Describes an invalid argument for an error message: strings and numbers as they are, objects only by their type. */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') return `'${printable(value, 40)}'`
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object'
  return typeof value === 'function' ? 'a function' : printable(String(value), 40)
}

/** The error for every invalid argument of the caller. */
export function invalidArgument(message: string): GoldenLogitsError {
  return new GoldenLogitsError('invalid-argument', message)
}

// Control characters, line separators, characters that reverse, hide or tag text on a terminal, and lone surrogates.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/**
 * Text from a file or a file name, made safe for a one-line message. Control, direction and invisible characters and
 * lone surrogates become `\xNN`, `\uNNNN` or `\u{NNNNN}`. A text longer than `max` characters is cut in the middle.
 */
export function printable(text: string, max = 80): string {
  const safe = text.replace(UNPRINTABLE, (c) => {
    const code = c.codePointAt(0)!.toString(16)
    if (code.length > 4) return `\\u{${code}}`
    return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`
  })
  if (safe.length <= max) return safe
  const head = Math.ceil((max - 1) / 2)
  return `${safe.slice(0, head)}…${safe.slice(safe.length - (max - 1 - head))}`
}
