import { type GoldenLogitsError, printable } from '../errors.js'
import { allocate } from './allocate.js'
import { badArchive } from './bad-archive.js'
import { type Budgets, withinBudget } from './budgets.js'
import type { ByteSource } from './byte-source.js'
import { findZipEnd } from './zip-end.js'
import { checkNames, checkSpans } from './zip-spans.js'
import { Zip64Extra } from './zip64-extra.js'

/** One record of an archive, as its directory describes it, checked against its local header. */
export interface ZipEntry {
  readonly name: string
  /** Where its local header begins. */
  readonly header: number
  /** Where the name is: in the directory, and in the local header. */
  readonly nameAt: readonly [number, number]
  /** Is the record deflated (otherwise it is stored as it is)? */
  readonly deflated: boolean
  /** Where the directory says the content's CRC-32: 4 bytes, 0 where the writer did not compute one. */
  readonly crcAt: number
  readonly compressedSize: number
  readonly size: number
  /** Where the record's bytes begin in the file. */
  readonly start: number
  /** Does a data descriptor follow them? */
  readonly described: boolean
}

/** Tells who keeps account of what is read that nothing came of a record's content, nor of what differs with it. */
export function disregardContent(source: ByteSource, entry: ZipEntry): void {
  const { header, crcAt, start, compressedSize, described } = entry
  source.disregard?.(crcAt, 4)
  // CRC and sizes: torch leaves them out here.
  source.disregard?.(header + 14, 12)
  source.disregard?.(start, compressedSize + (described ? DESCRIPTOR_CRC : 0))
}

const ENTRY_SIZE = 46
const LOCAL_SIZE = 30

/** Bit 3 (sizes in a data descriptor), bit 11 (UTF-8 names), bits 1 and 2 (effort of the compressor). */
const KNOWN_FLAGS = 0x0808 | 0x0006
const DESCRIPTOR_FLAG = 0x0008

/** The CRC ends here in a data descriptor, or 4 bytes before where that has no signature. */
const DESCRIPTOR_CRC = 8

/**
 * Reads the directory of a zip archive, whole and exactly: only it counts, since torch leaves sizes and CRCs out of the
 * local headers. Every number must agree with every other, no two records may overlap, and nothing may hide between.
 * Format: PKWARE APPNOTE 6.3, zip64 included.
 * @throws GoldenLogitsError `bad-archive`, `limit-exceeded`
 */
export function readZipDirectory(source: ByteSource, budgets: Budgets): ZipEntry[] {
  const end = findZipEnd(source)
  withinBudget(budgets, 'zipEntries', end.count, 'entries of the archive', source)
  withinBudget(budgets, 'zipDirectory', end.directorySize, 'bytes of the archive directory', source)
  const bytes = allocate(end.directorySize, 'the archive directory', source)
  source.read(end.directoryStart, bytes)
  const parser = new DirectoryParser(source, bytes, end.directoryStart)
  const entries: ZipEntry[] = []
  for (let i = 0; i < end.count; i++) entries.push(parser.next())
  parser.finish()
  checkNames(source, entries)
  checkSpans(source, entries, end.directoryStart)
  return entries
}

class DirectoryParser {
  private readonly source: ByteSource
  private readonly bytes: Uint8Array
  private readonly view: DataView
  private readonly start: number
  private at = 0

  constructor(source: ByteSource, bytes: Uint8Array, start: number) {
    this.source = source
    this.bytes = bytes
    this.view = new DataView(bytes.buffer)
    this.start = start
  }

  next(): ZipEntry {
    const { view, at } = this
    if (at + ENTRY_SIZE > this.bytes.length) throw this.bad('the directory ends before its last entry')
    if (view.getUint32(at, true) !== 0x02014b50) throw this.bad('an entry of the directory has a wrong signature')
    const flags = view.getUint16(at + 8, true)
    const method = view.getUint16(at + 10, true)
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) => view.getUint16(at + field, true))
    const nameEnd = at + ENTRY_SIZE + nameLength!
    const extraEnd = nameEnd + extraLength!
    if (extraEnd + commentLength! > this.bytes.length) throw this.bad('an entry reaches beyond the directory')
    const name = this.name(this.bytes.subarray(at + ENTRY_SIZE, nameEnd))
    if ((flags & ~KNOWN_FLAGS) !== 0) throw this.bad(`record '${printable(name)}' is encrypted or patched`)
    if (method !== 0 && method !== 8) throw this.bad(`record '${printable(name)}' is compressed by method ${method}`)
    const wide = new Zip64Extra(view, nameEnd, extraEnd, () =>
      this.bad(`record '${printable(name)}' has broken extra fields`),
    )
    const size = wide.resolve(view.getUint32(at + 24, true))
    const compressedSize = wide.resolve(view.getUint32(at + 20, true))
    const header = wide.resolve(view.getUint32(at + 42, true))
    wide.finish()
    if (view.getUint16(at + 34, true) !== 0) throw this.bad('the archive is split over several disks')
    if (method === 0 && size !== compressedSize) {
      throw this.bad(`record '${printable(name)}' is stored, but its sizes ${size} and ${compressedSize} differ`)
    }
    this.at = extraEnd + commentLength!
    const start = this.localStart(header, name, method)
    const described = (flags & DESCRIPTOR_FLAG) !== 0
    return {
      name,
      nameAt: [this.start + at + ENTRY_SIZE, header + LOCAL_SIZE],
      deflated: method === 8,
      crcAt: this.start + at + 16,
      compressedSize,
      size,
      start,
      header,
      described,
    }
  }

  finish(): void {
    if (this.at !== this.bytes.length) throw this.bad(`the directory goes on after its last entry`)
  }

  private name(bytes: Uint8Array): string {
    const name = decodeUtf8(bytes)
    if (name === undefined) throw this.bad('a record has a name that is not UTF-8')
    const unsafe = name === '' || /^\/|[\\\0]|^[A-Za-z]:/.test(name) || name.split('/').includes('..')
    if (unsafe) throw this.bad(`a record is named '${printable(name)}', which is no relative path`)
    return name
  }

  /** Checks the local header against the directory and finds the first byte behind it. */
  private localStart(header: number, name: string, method: number): number {
    const nameBytes = encoder.encode(name)
    if (header + LOCAL_SIZE + nameBytes.length > this.start) {
      throw this.bad(`record '${printable(name)}' starts at byte ${header}, outside the records`)
    }
    const local = new Uint8Array(LOCAL_SIZE + nameBytes.length)
    this.source.read(header, local)
    const view = new DataView(local.buffer)
    const agrees =
      view.getUint32(0, true) === 0x04034b50 &&
      (view.getUint16(6, true) & ~KNOWN_FLAGS) === 0 &&
      view.getUint16(8, true) === method &&
      view.getUint16(26, true) === nameBytes.length &&
      Buffer.compare(local.subarray(LOCAL_SIZE), nameBytes) === 0
    if (!agrees) throw this.bad(`the local header of '${printable(name)}' does not agree with the directory`)
    return header + local.length + view.getUint16(28, true)
  }

  private bad(message: string): GoldenLogitsError {
    return badArchive(this.source, message, this.start + this.at)
  }
}

const encoder = new TextEncoder()
// A byte order mark stays: dropped, it would make two names out of one.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}
