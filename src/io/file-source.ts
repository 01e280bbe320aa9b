import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs'
import { type ErrorCode, GoldenLogitsError } from '../errors.js'
import { startedFrom } from '../lib/file-path.js'
import { type Budgets, resolveBudgets, withinBudget } from './budgets.js'
import type { ByteSource } from './byte-source.js'

/** Bytes of one call to the system. Node refuses lengths of 2 GiB and more. */
const MAX_READ = 2 ** 30

/** Without O_NONBLOCK, opening a FIFO waits for a writer. Windows has neither FIFOs nor the flag. */
export const READ_ONLY = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/** An open file. It keeps a file descriptor until `close`. */
export interface FileSource extends ByteSource {
  /** Modification time in milliseconds. With `size`, it shows whether a file was replaced. */
  readonly modified: number
  close(): void
}

/**
 * Opens a regular file, following links. Never blocks, and opens nothing but regular files: opening a FIFO wakes its
 * writer, and opening some devices moves them.
 * @throws GoldenLogitsError `file-not-found`, `permission-denied`, `not-a-regular-file`, `limit-exceeded`,
 * `read-failed`
 */
export function openFile(path: string, budgets?: Partial<Budgets>): FileSource {
  const resolved = resolveBudgets(budgets)
  try {
    refuseOthers(path, statSync(path))
    // The file may have been replaced by something else since `statSync`.
    const descriptor = openSync(path, READ_ONLY)
    try {
      const stats = fstatSync(descriptor)
      refuseOthers(path, stats)
      withinBudget(resolved, 'fileBytes', stats.size, 'the size of the file', { file: path })
      return new OpenFile(path, descriptor, stats)
    } catch (error) {
      closeSync(descriptor)
      throw error
    }
  } catch (cause) {
    throw cause instanceof GoldenLogitsError ? cause : openError(path, cause as NodeJS.ErrnoException)
  }
}

/** Opens a file for as long as `use` takes. @throws GoldenLogitsError as `openFile` does */
export function withFile<T>(path: string, use: (source: FileSource) => T, budgets?: Partial<Budgets>): T {
  const source = openFile(path, budgets)
  try {
    return use(source)
  } finally {
    source.close()
  }
}

/** Bytes of each end of a file that one call reads: headers and directories are there, in many small pieces. */
const END = 4096

class OpenFile implements FileSource {
  readonly file: string
  readonly size: number
  readonly modified: number
  private readonly descriptor: number
  private head: Uint8Array | undefined
  private tail: Uint8Array | undefined

  constructor(file: string, descriptor: number, stats: Stats) {
    this.file = file
    this.descriptor = descriptor
    this.size = stats.size
    this.modified = stats.mtimeMs
  }

  read(offset: number, into: Uint8Array): void {
    const bytes = this.peek(offset, into.length)
    if (bytes) into.set(bytes)
    else this.readAll(offset, into)
  }

  peek(offset: number, length: number): Uint8Array | undefined {
    const end = offset + length
    if (end <= Math.min(END, this.size)) {
      this.head ??= this.readEnd(0)
      return this.head.subarray(offset, end)
    }
    if (offset < this.size - END || end > this.size) return undefined
    this.tail ??= this.readEnd(Math.max(0, this.size - END))
    const before = this.size - this.tail.length
    return this.tail.subarray(offset - before, end - before)
  }

  private readEnd(offset: number): Uint8Array {
    const bytes = new Uint8Array(Math.min(END, this.size))
    this.readAll(offset, bytes)
    return bytes
  }

  private readAll(offset: number, into: Uint8Array): void {
    let done = 0
    // One call reads everything, except for huge records, and on some network shares that return less at a time.
    while (done < into.length) {
      const count = this.readSome(into, done, offset + done)
      if (count === 0) {
        const message = `ended at byte ${offset + done} while it was read, expected ${this.size} bytes: something is writing to it`
        throw new GoldenLogitsError('file-changed', message, { file: this.file, offset: offset + done })
      }
      done += count
    }
  }

  private readSome(into: Uint8Array, done: number, offset: number): number {
    try {
      return readSync(this.descriptor, into, done, Math.min(into.length - done, MAX_READ), offset)
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      throw new GoldenLogitsError('read-failed', `cannot be read (${code})`, { file: this.file, offset, cause })
    }
  }

  close(): void {
    closeSync(this.descriptor)
  }
}

const OPEN_CODES: Readonly<Record<string, [ErrorCode, string]>> = {
  ENOENT: ['file-not-found', 'there is no such file'],
  ENOTDIR: ['file-not-found', 'a part of its path is not a folder'],
  EACCES: ['permission-denied', 'this user has no permission to read it'],
  EPERM: ['permission-denied', 'this user has no permission to read it'],
  ELOOP: ['read-failed', 'is a symbolic link that points back to itself'],
}

/** Our code for a code of the system, such as `ENOENT`. */
export function errorCodeOf(code: string): ErrorCode {
  return OPEN_CODES[code]?.[0] ?? 'read-failed'
}

function openError(file: string, cause: NodeJS.ErrnoException): GoldenLogitsError {
  const [code, message] = OPEN_CODES[cause.code ?? ''] ?? ['read-failed', `cannot be opened (${cause.code})`]
  const where = code === 'file-not-found' ? startedFrom(file) : ''
  return new GoldenLogitsError(code, `${message}${where}`, { file, cause })
}

function refuseOthers(file: string, stats: Stats): void {
  if (stats.isFile()) return
  throw new GoldenLogitsError('not-a-regular-file', `is ${kindName(stats)}, expected a file`, { file })
}

function kindName(stats: Stats): string {
  if (stats.isDirectory()) return 'a folder'
  if (stats.isFIFO()) return 'a FIFO'
  return stats.isSocket() ? 'a socket' : 'a device'
}
