/**
 * Every reason for which golden-logits refuses an input. One list for files, dump trees and the caller's own
 * arguments, so that a caller branches on `code` and never on the text of a message.
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
  // dump trees
  'nothing-to-compare',
  'ambiguous-run',
  'ambiguous-layer',
  // golden snapshots
  'bad-snapshot',
  'snapshot-version',
  'snapshot-mismatch',
  'write-failed',
  // the caller
  'invalid-argument',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

export interface ErrorDetails {
  /** The file or folder the error is about. */
  file?: string
  /** Byte offset in that file, where one is known. */
  offset?: number
  /** The name of the budget that was exceeded, as the option `budgets` spells it. */
  budget?: string
  cause?: unknown
}

/**
 * The one error class of the package. `message` is one line of at most 1,000 characters that names the file, what was
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

/** What a caller gave in place of what was wanted: texts and numbers as they are, of an object only that it is one. */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') return `'${printable(value, 40)}'`
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object'
  return typeof value === 'function' ? 'a function' : printable(String(value), 40)
}

/** What every check of a caller's own arguments throws. */
export function invalidArgument(message: string): GoldenLogitsError {
  return new GoldenLogitsError('invalid-argument', message)
}

// Control characters, line separators, the marks that turn, hide or tag text on a terminal, and lone surrogates.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/**
 * Text from a file or a file name, made safe for a one-line message: control, direction and invisible characters
 * (and lone surrogates) become `\xNN`, `\uNNNN` or `\u{NNNNN}`, and what is longer than `max` characters is cut in the middle.
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
