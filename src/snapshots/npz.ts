import { writeSync } from 'node:fs'
import type { Zip } from 'fflate'
import { npyHeader } from '../formats/npy-header.js'
import { readRecord } from '../formats/zip-record.js'
import { type Budgets, DEFAULT_BUDGETS } from '../io/budgets.js'
import { type FileSource, openFile } from '../io/file-source.js'
import { readZipDirectory, type ZipEntry } from '../io/zip-directory.js'
import { fflate } from '../lib/optional-packages.js'
import { type Dtype, itemSize } from '../tensor/dtype.js'
import { badSnapshot } from './types.js'

/** The name of a step's row in the archive, which `numpy.load` shows without its suffix. */
function memberName(step: number): string {
  return `token_${step}.npy`
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

/** A snapshot may have more tokens than other archives have entries. */
const BUDGETS: Budgets = { ...DEFAULT_BUDGETS, zipEntries: 100_000, inflatedBytes: 2 ** 22 * 8 + 1024 }

/** The rows of a full snapshot, read one at a time. Keeps the file open until `close`. */
export class NpzReader {
  private readonly source: FileSource
  private readonly entries: ReadonlyMap<string, ZipEntry>

  /** @throws GoldenLogitsError what `openFile` and `readZipDirectory` throw */
  constructor(path: string) {
    this.source = openFile(path, BUDGETS)
    try {
      this.entries = new Map(readZipDirectory(this.source, BUDGETS).map((entry) => [entry.name, entry]))
    } catch (error) {
      this.source.close()
      throw error
    }
  }

  /**
   * The raw little-endian elements of a step's row. Only what `NpzWriter` writes is accepted: any other header means that
   * another program wrote the file.
   * @throws GoldenLogitsError `bad-snapshot`, `bad-archive`, `crc-mismatch`, `limit-exceeded`
   */
  row(step: number, dtype: Dtype, width: number): Uint8Array {
    const name = memberName(step)
    const entry = this.entries.get(name)
    if (!entry) throw badSnapshot(this.source.file, `it has no ${name}`)
    const header = npyHeader(dtype, width)
    const size = header.length + width * itemSize(dtype)
    if (entry.size !== size) throw badSnapshot(this.source.file, `${name} has ${entry.size} bytes, expected ${size}`)
    const bytes = readRecord(this.source, entry, BUDGETS)
    if (Buffer.compare(bytes.subarray(0, header.length), header) !== 0) {
      throw badSnapshot(this.source.file, `${name} is not an array of ${width} elements of ${dtype}`)
    }
    return bytes.slice(header.length)
  }

  close(): void {
    this.source.close()
  }
}
