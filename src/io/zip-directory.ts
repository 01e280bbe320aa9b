import { TextEncoder } from 'node:util'
import { type GoldenLogitsError, printable } from '../errors.js'
import { allocate, type Budgets, withinBudget } from './budgets.js'
import { type ByteSource, readBytes } from './byte-source.js'
import { decodeUtf8 } from './utf8.js'
import { badArchive, findZipEnd } from './zip-end.js'

/** One record of an archive, as the directory describes it, checked against its local header. */
export interface ZipEntry {
  readonly name: string
  /** Offset of the local header. */
  readonly header: number
  /** Offsets of the name: in the directory, and in the local header. */
  readonly nameAt: readonly [number, number]
  /** Whether the record is compressed (deflated); otherwise it is stored as it is. */
  readonly deflated: boolean
  /** Offset of the content's CRC-32 in the directory: 4 bytes, 0 if the writer did not compute it. */
  readonly crcAt: number
  readonly compressedSize: number
  readonly size: number
  /** Offset of the content. */
  readonly start: number
  /** Whether a data descriptor follows the content. */
  readonly described: boolean
}

/** Marks the content of a record, and its CRC and sizes, as irrelevant for how the file is parsed. */
export function disregardContent(source: ByteSource, entry: ZipEntry): void {
  const { header, crcAt, start, compressedSize, described } = entry
  source.disregard?.(crcAt, 4)
  // CRC and sizes: torch leaves them out in the local header.
  source.disregard?.(header + 14, 12)
  source.disregard?.(start, compressedSize + (described ? DESCRIPTOR_CRC : 0))
}

const ENTRY_SIZE = 46
const LOCAL_SIZE = 30

/** Bit 3 (sizes in a data descriptor), bit 11 (UTF-8 names), bits 1 and 2 (effort of the compressor). */
const ALLOWED_FLAGS = 0x0808 | 0x0006
const DESCRIPTOR_FLAG = 0x0008

/** The CRC in a data descriptor ends after this many bytes, or 4 bytes earlier if the descriptor has no signature. */
const DESCRIPTOR_CRC = 8

/** Sizes of a data descriptor: CRC and two sizes, of 4 or 8 bytes each, with or without a signature. */
const DESCRIPTOR_SIZES: readonly number[] = [12, 16, 20, 24]

/**
 * Reads the directory of a zip archive completely. Only the directory counts, since torch leaves sizes and CRCs out of
 * the local headers. Every number must agree with every other, no two records may overlap, and no bytes may be hidden
 * between them. Format: PKWARE APPNOTE 6.3, including zip64.
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
    if (extraEnd + commentLength! > this.bytes.length) throw this.bad('an entry extends beyond the directory')
    const name = this.name(this.bytes.subarray(at + ENTRY_SIZE, nameEnd))
    if ((flags & ~ALLOWED_FLAGS) !== 0) throw this.bad(`record '${printable(name)}' is encrypted or patched`)
    if (method !== 0 && method !== 8) throw this.bad(`record '${printable(name)}' is compressed by method ${method}`)
    const values = [24, 20, 42].map((field) => view.getUint32(at + field, true))
    const wide = withZip64(view, nameEnd, extraEnd, values)
    if (!wide) throw this.bad(`record '${printable(name)}' has broken extra fields`)
    const [size, compressedSize, header] = wide as [number, number, number]
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
    if (this.at !== this.bytes.length) throw this.bad('the directory continues after its last entry')
  }

  private name(bytes: Uint8Array): string {
    const name = decodeUtf8(bytes)
    if (name === undefined) throw this.bad('a record has a name that is not UTF-8')
    const unsafe = name === '' || /^\/|[\\\0]|^[A-Za-z]:/.test(name) || name.split('/').includes('..')
    if (unsafe) throw this.bad(`a record is named '${printable(name)}', which is not a safe relative path`)
    return name
  }

  /** Checks the local header against the directory. @returns the offset of the content behind it */
  private localStart(header: number, name: string, method: number): number {
    const nameBytes = encoder.encode(name)
    if (header + LOCAL_SIZE + nameBytes.length > this.start) {
      throw this.bad(`record '${printable(name)}' starts at byte ${header}, outside the records`)
    }
    const local = readBytes(this.source, header, LOCAL_SIZE + nameBytes.length)
    const view = new DataView(local.buffer)
    const agrees =
      view.getUint32(0, true) === 0x04034b50 &&
      (view.getUint16(6, true) & ~ALLOWED_FLAGS) === 0 &&
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

const UINT32 = 0xffffffff

/**
 * The sizes and the offset of a directory entry. Those whose 32 bits are all ones are in its zip64 extra field, in order, with 64
 * bits. A field with more values is refused, since other zip readers might use them.
 * @returns undefined if the extra fields, from `start` to `end`, are broken
 */
function withZip64(view: DataView, start: number, end: number, values: readonly number[]): number[] | undefined {
  let [from, to] = [0, 0]
  for (let at = start; at < end; ) {
    if (at + 4 > end) return undefined
    const next = at + 4 + view.getUint16(at + 2, true)
    if (next > end) return undefined
    if (view.getUint16(at, true) === 1) {
      if (to > 0) return undefined
      from = at + 4
      to = next
    }
    at = next
  }
  const all: number[] = []
  for (const value of values) {
    if (value !== UINT32) all.push(value)
    else {
      if (from + 8 > to) return undefined
      all.push(Number(view.getBigUint64(from, true)))
      from += 8
    }
  }
  return from === to && all.every(Number.isSafeInteger) ? all : undefined
}

function checkNames(source: ByteSource, entries: readonly ZipEntry[]): void {
  const names = new Set<string>()
  for (const { name } of entries) {
    if (names.has(name)) throw badArchive(source, `two records are named '${printable(name)}'`)
    names.add(name)
  }
}

/**
 * Records must follow each other from byte 0 to the directory, in any order. They must not overlap, and only a data
 * descriptor may be between them: a gap could hide a second archive.
 */
function checkSpans(source: ByteSource, entries: readonly ZipEntry[], directory: number): void {
  const sorted = [...entries].sort((a, b) => a.header - b.header)
  if (sorted.length > 0 && sorted[0]!.header !== 0) throw badArchive(source, 'bytes before the first record')
  sorted.forEach((entry, i) => {
    const end = entry.start + entry.compressedSize
    const next = sorted[i + 1]
    const gap = (next?.header ?? directory) - end
    if (gap < 0) {
      const other = next ? `'${printable(next.name)}'` : 'the directory'
      throw badArchive(source, `record '${printable(entry.name)}' ends at byte ${end}, inside ${other}`, entry.start)
    }
    if (gap > 0 && !(entry.described && DESCRIPTOR_SIZES.includes(gap))) {
      throw badArchive(source, `${gap} bytes after record '${printable(entry.name)}' do not belong to any record`, end)
    }
  })
}
