import { crc32 } from 'node:zlib'
import { GoldenLogitsError, printable } from '../errors.js'
import { allocate, type Budgets, withinBudget } from '../io/budgets.js'
import { type ByteSource, readBytes } from '../io/byte-source.js'
import type { ZipEntry } from '../io/zip-directory.js'
import { badArchive } from '../io/zip-end.js'
import { fflate } from '../lib/optional-packages.js'
import { type Checks, type Checksum, newChecks } from './format.js'

/** Bytes given to fflate at a time. It inflates all of them before the size can be checked, so they are few. */
const INFLATE_SLICE = 16 * 1024

/** The same for the start of a record, whose header has some 128 bytes. */
const START_SLICE = 512

/** Bytes read at a time to compute the CRC of a record. */
const CRC_CHUNK = 1 << 20

/**
 * Returns a function that reads bytes of a record and checks its CRC before they are used. Reading a part of a record
 * checks the CRC only if the record is within the budget `crcBytes`, since that reads all of it. A compressed record is
 * inflated once.
 */
export function openRecord(
  source: ByteSource,
  entry: ZipEntry,
  budgets: Budgets,
  checks: Checks,
): (offset: number, into: Uint8Array) => void {
  const { passed, checksum } = checks
  return (offset, into) => {
    if (entry.deflated) {
      if (checks.inflated?.record !== entry) {
        checks.inflated = { record: entry, content: inflateRecord(source, entry, budgets) }
      }
      into.set(checks.inflated.content.subarray(offset, offset + into.length))
      return
    }
    const isComplete = into.length === entry.size
    if (!isComplete && entry.size <= budgets.crcBytes && !passed.has(entry)) {
      checkCrc(source, entry, () => crcByChunks(source, entry))
      passed.add(entry)
    }
    source.read(entry.start + offset, into)
    if (isComplete) checkCrc(source, entry, () => checksum.crc32(into))
  }
}

/** The content of a record, with its CRC checked. */
export function readRecord(source: ByteSource, entry: ZipEntry, budgets: Budgets): Uint8Array {
  const bytes = allocate(entry.size, `the record '${entry.name}'`, source)
  openRecord(source, entry, budgets, newChecks())(0, bytes)
  return bytes
}

function inflateRecord(source: ByteSource, entry: ZipEntry, budgets: Budgets): Uint8Array {
  const name = printable(entry.name)
  const where = { file: source.file, offset: entry.start }
  withinBudget(budgets, 'inflatedBytes', entry.size, `bytes of the compressed record '${name}'`, where)
  const content = allocate(entry.size, `the record '${entry.name}'`, source)
  let length = 0
  inflate(source, entry, INFLATE_SLICE, (chunk) => {
    if (length + chunk.length > content.length) {
      throw badArchive(source, `record '${name}' inflates to more than its ${entry.size} bytes`)
    }
    content.set(chunk, length)
    length += chunk.length
    return false
  })
  if (length !== content.length) {
    throw badArchive(source, `record '${name}' inflates to ${length} bytes, expected ${entry.size}`)
  }
  checkCrc(source, entry, () => crc32(content))
  return content
}

/** At least the first `length` bytes of a compressed record, or as many as it has. No CRC is checked. */
export function inflateStart(source: ByteSource, entry: ZipEntry, length: number): Uint8Array {
  const start: Uint8Array[] = []
  let done = 0
  inflate(source, entry, START_SLICE, (chunk) => {
    start.push(chunk)
    done += chunk.length
    return done >= length
  })
  if (done < length) throw badArchive(source, `record '${printable(entry.name)}' ends early`, entry.start)
  return Buffer.concat(start)
}

/**
 * Inflates a compressed record from its start.
 * @param slice compressed bytes that are read at a time
 * @param take gets each piece, and returns whether nothing more is needed
 */
function inflate(source: ByteSource, entry: ZipEntry, slice: number, take: (chunk: Uint8Array) => boolean): void {
  const { name, start, compressedSize } = entry
  const { Inflate } = fflate()
  let isEnough = false
  const stream = new Inflate((chunk) => {
    isEnough = take(chunk)
  })
  for (let at = 0; at < compressedSize && !isEnough; at += slice) {
    const packed = readBytes(source, start + at, Math.min(slice, compressedSize - at))
    try {
      stream.push(packed, at + slice >= compressedSize)
    } catch (error) {
      if (error instanceof GoldenLogitsError) throw error
      throw badArchive(source, `record '${printable(name)}' cannot be inflated`, start)
    }
  }
}

function crcByChunks(source: ByteSource, entry: ZipEntry): number {
  const chunk = new Uint8Array(Math.min(CRC_CHUNK, entry.size))
  let crc = 0
  for (let at = 0; at < entry.size; at += chunk.length) {
    const bytes = chunk.subarray(0, Math.min(chunk.length, entry.size - at))
    source.read(entry.start + at, bytes)
    crc = crc32(bytes, crc)
  }
  return crc
}

/** The CRC-32 at offset `crcAt` of this source, which may be another file with the same layout as the parsed one. */
export function crcOf(source: ByteSource, crcAt: number): number {
  return new DataView(readBytes(source, crcAt, 4).buffer).getUint32(0, true)
}

/** Whether the content of an uncompressed record has the CRC that the archive states, if it states one. */
export function hasStoredCrc(source: ByteSource, crcAt: number, content: Uint8Array, checksum: Checksum): boolean {
  const expected = crcOf(source, crcAt)
  return expected === NO_CRC || checksum.crc32(content) === expected
}

/** torch ≥ 2.6 may leave the CRC out. No tool that compresses does. */
const NO_CRC = 0

function checkCrc(source: ByteSource, entry: ZipEntry, compute: () => number): void {
  const expected = crcOf(source, entry.crcAt)
  if (expected === NO_CRC && !entry.deflated) return
  const actual = compute()
  if (actual === expected) return
  const [is, should] = [actual, expected].map((crc) => crc.toString(16).padStart(8, '0'))
  const message = `record '${printable(entry.name)}' has CRC-32 ${is}, but the archive says ${should}: the file was damaged; copy or dump it again`
  throw new GoldenLogitsError('crc-mismatch', message, { file: source.file, offset: entry.start })
}
