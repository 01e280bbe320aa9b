import { writeSync } from 'node:fs'
import type { Zip } from 'fflate'
import { GoldenLogitsError, printable } from '../errors.js'
import { npyHeader } from '../formats/npy.js'
import { readRecord } from '../formats/zip-record.js'
import { type Budgets, DEFAULT_BUDGETS } from '../io/budgets.js'
import { type ByteSource, hasBytes } from '../io/byte-source.js'
import { type FileSource, openFile } from '../io/file-source.js'
import { readZipDirectory, type ZipEntry } from '../io/zip-directory.js'
import { fflate } from '../lib/optional-packages.js'
import { type Dtype, itemSize } from '../tensor/dtype.js'
import { badSnapshot, type SnapshotToken } from './types.js'

/** The name of a step's row in the archive, which `numpy.load` shows without its suffix. */
function memberName(step: number): string {
  return `token_${step}.npy`
}

/** True if a file begins as an archive of rows does, or is cut off before it differs. */
export function isArchiveStart(head: Buffer): boolean {
  const name = head.toString('latin1', 30)
  return 'PK\x03\x04'.startsWith(head.toString('latin1', 0, 4)) && (/^token_\d/.test(name) || 'token_'.startsWith(name))
}

/**
 * Writes rows to an open file as a NumPy archive, each compressed (deflate) before the next one is added.
 * Python reads it without this package:
 *
 *     row = numpy.load('golden.npz')['token_3']
 *     row = torch.from_numpy(row).view(torch.bfloat16)        # if the snapshot says bfloat16: NumPy has no such dtype
 *
 * The same rows give the same bytes: the archive contains no time of writing.
 */
export class NpzWriter {
  private readonly zip: Zip
  private failure: unknown
  /** Bytes written so far. */
  size = 0

  constructor(descriptor: number) {
    const { Zip } = fflate()
    this.zip = new Zip((error, chunk) => {
      if (error) this.failure ??= error
      else for (let at = 0; at < chunk.length; ) at += writeSync(descriptor, chunk, at)
      this.size += chunk?.length ?? 0
    })
  }

  /** @param bytes the row's elements, little-endian */
  add(step: number, dtype: Dtype, width: number, bytes: Uint8Array): void {
    const { ZipDeflate } = fflate()
    const member = new ZipDeflate(memberName(step), { level: 6 })
    // The earliest time that a zip file can express, in every time zone.
    member.mtime = new Date(1980, 0, 1)
    this.zip.add(member)
    member.push(npyHeader(dtype, width))
    member.push(bytes, true)
    this.throwFailure()
  }

  finish(): void {
    this.zip.end()
    this.throwFailure()
  }

  private throwFailure(): void {
    if (this.failure) throw this.failure
  }
}

/**
 * A snapshot in Git LFS is good, only not fetched: no update may replace it.
 * @throws GoldenLogitsError `unsupported-format`
 */
export function refuseLfsPointer(source: ByteSource): void {
  if (source.size < LFS_POINTER.length || !hasBytes(source, 0, LFS_POINTER)) return
  const message = 'is a Git LFS pointer, not the snapshot itself: run git lfs pull'
  throw new GoldenLogitsError('unsupported-format', message, { file: source.file })
}

const LFS_POINTER = Buffer.from('version https://git-lfs')

/** The errors of archives say how to get another dump: a snapshot is restored. */
function asSnapshotError<T>(file: string, body: () => T): T {
  try {
    return body()
  } catch (error) {
    const isDamaged = error instanceof GoldenLogitsError && ['bad-archive', 'crc-mismatch'].includes(error.code)
    if (!isDamaged) throw error
    const reason = error.message.replace(`${printable(file, 400)}: `, '').split('; ')[0]
    throw badSnapshot(file, `the archive of rows is damaged: ${reason}`)
  }
}

/** A snapshot may have more tokens than other archives have entries. */
const BUDGETS: Budgets = { ...DEFAULT_BUDGETS, zipEntries: 100_000, inflatedBytes: 2 ** 22 * 8 + 1024 }

/** The rows of a full snapshot, read one at a time. Keeps the file open until `close`. */
export class NpzReader {
  private readonly source: FileSource
  private readonly entries: ReadonlyMap<string, ZipEntry>

  /**
   * @param tokens the tokens of the text file: the archive must have a row of the right size for each, and no others
   * @throws GoldenLogitsError `bad-snapshot`, `unsupported-format` for a Git LFS pointer, and what `openFile` throws
   */
  constructor(path: string, tokens: readonly Pick<SnapshotToken, 'step' | 'dtype' | 'width'>[]) {
    this.source = openFile(path, BUDGETS)
    try {
      refuseLfsPointer(this.source)
      const entries = asSnapshotError(path, () => readZipDirectory(this.source, BUDGETS))
      this.entries = new Map(entries.map((entry) => [entry.name, entry]))
      this.check(tokens)
    } catch (error) {
      this.source.close()
      throw error
    }
  }

  /**
   * The raw little-endian elements of a step's row. Only what `NpzWriter` writes is accepted: any other header means that
   * another program wrote the file.
   * @throws GoldenLogitsError `bad-snapshot`, `limit-exceeded`
   */
  row(step: number, dtype: Dtype, width: number): Uint8Array {
    const name = memberName(step)
    const entry = this.entries.get(name)!
    const header = npyHeader(dtype, width)
    const bytes = asSnapshotError(this.source.file, () => readRecord(this.source, entry, BUDGETS))
    if (Buffer.compare(bytes.subarray(0, header.length), header) !== 0) {
      throw badSnapshot(this.source.file, `${name} is not an array of ${width} elements of ${dtype}`)
    }
    return bytes.slice(header.length)
  }

  close(): void {
    this.source.close()
  }

  private check(tokens: readonly Pick<SnapshotToken, 'step' | 'dtype' | 'width'>[]): void {
    const { file } = this.source
    for (const { step, dtype, width } of tokens) {
      const name = memberName(step)
      const entry = this.entries.get(name)
      if (!entry) throw badSnapshot(file, `it has no ${name}, but the text file has token ${step}`)
      const size = npyHeader(dtype, width).length + width * itemSize(dtype)
      if (entry.size !== size) {
        const message = `${name} has ${entry.size} bytes, but the text file says ${dtype} [${width}], ${size} bytes`
        throw badSnapshot(file, message)
      }
    }
    if (this.entries.size !== tokens.length) {
      throw badSnapshot(file, `it has ${this.entries.size} rows, but the text file has ${tokens.length} tokens`)
    }
  }
}
