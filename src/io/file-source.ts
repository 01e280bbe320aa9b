import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs'
import { type ErrorCode, GoldenLogitsError } from '../errors.js'
import type { ByteSource } from './byte-source.js'
import { type Limits, resolveLimits, withinLimit } from './limits.js'

/** An open file. It holds a descriptor until `close`. */
export interface FileSource extends ByteSource {
  /** Modification time in milliseconds: with `size`, what tells a file from the one that was there before. */
  readonly modified: number
  close(): void
}

/**
 * Opens a regular file, following links. Never blocks: a FIFO is refused, not waited for.
 * @throws GoldenLogitsError `file-not-found`, `permission-denied`, `not-a-regular-file`, `limit-exceeded`, `read-failed`
 */
export function openFile(path: string, limits?: Partial<Limits>): FileSource {
  const budget = resolveLimits(limits)
  let descriptor: number
  try {
    // Without O_NONBLOCK, opening a FIFO waits for a writer that may never come. Windows knows neither.
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (cause) {
    throw openError(path, cause as NodeJS.ErrnoException)
  }
  try {
    const stats = guarded(path, 'look at it', () => fstatSync(descriptor))
    if (!stats.isFile()) {
      throw new GoldenLogitsError('not-a-regular-file', `is ${kindName(stats)}, expected a file`, { file: path })
    }
    withinLimit(budget, 'fileBytes', stats.size, 'the size of the file', { file: path })
    return new OpenFile(path, descriptor, stats)
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
}

class OpenFile implements FileSource {
  readonly file: string
  readonly size: number
  readonly modified: number
  private readonly descriptor: number

  constructor(file: string, descriptor: number, stats: Stats) {
    this.file = file
    this.descriptor = descriptor
    this.size = stats.size
    this.modified = stats.mtimeMs
  }

  read(offset: number, into: Uint8Array): void {
    let done = 0
    // One call reads everything but where the system serves less at a time (over 2 GiB, some network shares).
    while (done < into.length) {
      const count = guarded(this.file, 'read it', () =>
        readSync(this.descriptor, into, done, into.length - done, offset + done),
      )
      if (count === 0) {
        const message = `ended at byte ${offset + done} while it was read, expected ${this.size} bytes: something is writing to it`
        throw new GoldenLogitsError('file-changed', message, { file: this.file, offset: offset + done })
      }
      done += count
    }
  }

  close(): void {
    closeSync(this.descriptor)
  }
}

const OPEN_CODES: Readonly<Record<string, [ErrorCode, string]>> = {
  ENOENT: ['file-not-found', 'there is no such file'],
  ENOTDIR: ['file-not-found', 'a folder of its path is not a folder'],
  EACCES: ['permission-denied', 'may not be read by this user'],
  EPERM: ['permission-denied', 'may not be read by this user'],
  EISDIR: ['not-a-regular-file', 'is a folder, expected a file'],
  ENXIO: ['not-a-regular-file', 'is a socket or a device without a driver, expected a file'],
  ELOOP: ['read-failed', 'is a link that leads back to itself'],
}

function openError(file: string, cause: NodeJS.ErrnoException): GoldenLogitsError {
  const [code, message] = OPEN_CODES[cause.code ?? ''] ?? ['read-failed', `cannot be opened (${cause.code})`]
  return new GoldenLogitsError(code, message, { file, cause })
}

function kindName(stats: Stats): string {
  if (stats.isDirectory()) return 'a folder'
  if (stats.isFIFO()) return 'a FIFO'
  return stats.isSocket() ? 'a socket' : 'a device'
}

function guarded<T>(file: string, action: string, body: () => T): T {
  try {
    return body()
  } catch (cause) {
    throw new GoldenLogitsError('read-failed', `cannot ${action} (${(cause as NodeJS.ErrnoException).code})`, {
      file,
      cause,
    })
  }
}
