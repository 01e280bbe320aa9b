import { readRecord } from '../../formats/zip-record.js'
import { type Budgets, DEFAULT_BUDGETS } from '../../io/budgets.js'
import { type FileSource, openFile } from '../../io/file-source.js'
import { readZipDirectory, type ZipEntry } from '../../io/zip-directory.js'
import { type Dtype, itemSize } from '../../tensor/dtype.js'
import { badSnapshot } from '../bad-snapshot.js'
import { npyHeader } from './npy.js'
import { memberName } from './npz-writer.js'

/** As many tokens as a golden may have, each with its entry. */
const LIMITS: Budgets = { ...DEFAULT_BUDGETS, zipEntries: 100_000, inflatedBytes: 2 ** 22 * 8 + 1024 }

/** The rows of a full golden, read one at a time. Holds the file open until `close`. */
export class NpzReader {
  private readonly source: FileSource
  private readonly entries: ReadonlyMap<string, ZipEntry>

  /** @throws GoldenLogitsError what `openFile` and `readZipDirectory` throw */
  constructor(path: string) {
    this.source = openFile(path, LIMITS)
    try {
      this.entries = new Map(readZipDirectory(this.source, LIMITS).map((entry) => [entry.name, entry]))
    } catch (error) {
      this.source.close()
      throw error
    }
  }

  /**
   * The raw little-endian elements of a step's row. Only what `NpzWriter` writes is read: a header of any other wording
   * means that the file was made anew by something else.
   * @throws GoldenLogitsError `bad-snapshot`, `bad-archive`, `crc-mismatch`, `limit-exceeded`
   */
  row(step: number, dtype: Dtype, width: number): Uint8Array {
    const name = memberName(step)
    const entry = this.entries.get(name)
    if (!entry) throw badSnapshot(this.source.file, `it has no ${name}`)
    const header = npyHeader(dtype, width)
    const size = header.length + width * itemSize(dtype)
    if (entry.size !== size) throw badSnapshot(this.source.file, `${name} has ${entry.size} bytes, expected ${size}`)
    const bytes = readRecord(this.source, entry, LIMITS)
    if (Buffer.compare(bytes.subarray(0, header.length), header) !== 0) {
      throw badSnapshot(this.source.file, `${name} is not an array of ${width} elements of ${dtype}`)
    }
    return bytes.slice(header.length)
  }

  close(): void {
    this.source.close()
  }
}
