import { GoldenLogitsError } from '../errors.js'
import { type ByteSource, readBytes } from './byte-source.js'

/** The position of an archive's directory. */
interface ZipEnd {
  readonly count: number
  readonly directoryStart: number
  readonly directorySize: number
}

const END_SIZE = 22
const LOCATOR_SIZE = 20
const END64_SIZE = 56
const MAX_COMMENT = 65_535

/**
 * Finds the end record: the last one, whose comment must end exactly at the end of the file. torch always writes zip64
 * records in front of it. If they exist, they must agree with it.
 * @throws GoldenLogitsError `bad-archive`
 */
export function findZipEnd(source: ByteSource): ZipEnd {
  // Real archives have no comment, so the end record is the end of the file.
  const record = locateEnd(tailOf(source, END_SIZE)) ?? locateEnd(tailOf(source, END_SIZE + MAX_COMMENT))
  if (record === undefined) throw badArchive(source, 'it has no end record, so it was cut short')
  const { view, at, base } = record
  const [disk, firstDisk, here, count] = [4, 6, 8, 10].map((field) => view.getUint16(at + field, true))
  const directorySize = view.getUint32(at + 12, true)
  const directoryStart = view.getUint32(at + 16, true)
  if (disk !== 0 || firstDisk !== 0 || here !== count) throw badArchive(source, 'it is split over several disks')
  const plain = { count: count!, directorySize, directoryStart }
  const end = base + at
  const wide = readZip64(source, end)
  const zipEnd = wide ? reconcile(source, plain, wide) : plain
  const limit = wide ? wide.recordStart : end
  if (zipEnd.directoryStart + zipEnd.directorySize !== limit) {
    throw badArchive(source, `its directory should end at byte ${limit}, where the end record starts`, end)
  }
  return zipEnd
}

interface Tail {
  view: DataView
  /** Offset of the view in the file. */
  base: number
}

function tailOf(source: ByteSource, length: number): Tail {
  const base = Math.max(0, source.size - length)
  return { view: viewAt(source, base, source.size - base), base }
}

function locateEnd({ view, base }: Tail): (Tail & { at: number }) | undefined {
  for (let at = view.byteLength - END_SIZE; at >= 0; at--) {
    if (view.getUint32(at, true) !== 0x06054b50) continue
    // Other readers take the last signature as the end record, so no signature may be inside a comment.
    return at + END_SIZE + view.getUint16(at + 20, true) === view.byteLength ? { view, base, at } : undefined
  }
  return undefined
}

function readZip64(source: ByteSource, end: number): (ZipEnd & { recordStart: number }) | undefined {
  if (end < LOCATOR_SIZE) return undefined
  const locator = viewAt(source, end - LOCATOR_SIZE, LOCATOR_SIZE)
  if (locator.getUint32(0, true) !== 0x07064b50) return undefined
  const recordStart = wideNumber(source, locator, 8)
  if (
    recordStart + END64_SIZE !== end - LOCATOR_SIZE ||
    locator.getUint32(4, true) !== 0 ||
    locator.getUint32(16, true) !== 1
  ) {
    throw badArchive(source, 'its zip64 locator does not point to the record in front of it', end - LOCATOR_SIZE)
  }
  const record = viewAt(source, recordStart, END64_SIZE)
  if (record.getUint32(0, true) !== 0x06064b50 || wideNumber(source, record, 4) !== END64_SIZE - 12) {
    throw badArchive(source, 'its zip64 end record is broken', recordStart)
  }
  const count = wideNumber(source, record, 32)
  if (
    record.getUint32(16, true) !== 0 ||
    record.getUint32(20, true) !== 0 ||
    wideNumber(source, record, 24) !== count
  ) {
    throw badArchive(source, 'it is split over several disks', recordStart)
  }
  return {
    count,
    directorySize: wideNumber(source, record, 40),
    directoryStart: wideNumber(source, record, 48),
    recordStart,
  }
}

/** Each field of the plain record is either all ones, which means "see zip64", or equal to the zip64 field. */
function reconcile(source: ByteSource, plain: ZipEnd, wide: ZipEnd): ZipEnd {
  const agrees =
    (plain.count === 0xffff || plain.count === wide.count) &&
    (plain.directorySize === 0xffffffff || plain.directorySize === wide.directorySize) &&
    (plain.directoryStart === 0xffffffff || plain.directoryStart === wide.directoryStart)
  if (!agrees) throw badArchive(source, 'its two end records (zip and zip64) do not agree')
  return { count: wide.count, directorySize: wide.directorySize, directoryStart: wide.directoryStart }
}

function viewAt(source: ByteSource, offset: number, length: number): DataView {
  return new DataView(readBytes(source, offset, length).buffer)
}

function wideNumber(source: ByteSource, view: DataView, at: number): number {
  const value = view.getBigUint64(at, true)
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw badArchive(source, 'a zip64 number beyond 2^53')
  return Number(value)
}

/** The error for every broken archive. */
export function badArchive(source: ByteSource, message: string, offset?: number): GoldenLogitsError {
  const text = `broken zip archive: ${message}; copy or dump it again`
  return new GoldenLogitsError('bad-archive', text, { file: source.file, offset })
}
