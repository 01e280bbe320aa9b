import { crc32 } from 'node:zlib'
import { GoldenLogitsError, printable } from '../errors.js'
import { allocate } from '../io/allocate.js'
import { badArchive } from '../io/bad-archive.js'
import { type Budgets, withinBudget } from '../io/budgets.js'
import type { ByteSource } from '../io/byte-source.js'
import type { ZipEntry } from '../io/zip-directory.js'
import { fflate } from '../lib/optional-packages.js'
import { type Checks, type Checksum, newChecks } from './stored-tensor.js'

/** fflate inflates what it is given in one go: slices this small keep a bomb from outgrowing its declared size by much. */
const INFLATE_SLICE = 16 * 1024

/** Bytes that are read at a time to hold a record against its CRC. */
const CRC_CHUNK = 1 << 20

/**
 * A way to read bytes of a record, which is held against its CRC before any of them is used: a part of it only up to the
 * limit `crcBytes`, as that takes reading it all. A compressed record is inflated once, whole.
 */
export function openRecord(
  source: ByteSource,
  entry: ZipEntry,
  budgets: Budgets,
  { held, checksum }: Checks,
): (offset: number, into: Uint8Array) => void {
  let inflated: Uint8Array | undefined
  return (offset, into) => {
    if (entry.deflated) {
      inflated ??= inflateRecord(source, entry, budgets)
      into.set(inflated.subarray(offset, offset + into.length))
      return
    }
    const whole = into.length === entry.size
    if (!whole && entry.size <= budgets.crcBytes && !held.has(entry)) {
      checkCrc(source, entry, () => crcByChunks(source, entry))
      held.add(entry)
    }
    source.read(entry.start + offset, into)
    if (whole) checkCrc(source, entry, () => checksum.crc32(into))
  }
}

/** The whole record, checked. */
export function wholeRecord(source: ByteSource, entry: ZipEntry, budgets: Budgets): Uint8Array {
  const bytes = allocate(entry.size, `the record '${entry.name}'`, source)
  openRecord(source, entry, budgets, newChecks())(0, bytes)
  return bytes
}

function inflateRecord(source: ByteSource, entry: ZipEntry, budgets: Budgets): Uint8Array {
  const where = { file: source.file, offset: entry.start }
  withinBudget(budgets, 'inflatedBytes', entry.size, `bytes of the compressed record '${printable(entry.name)}'`, where)
  const packed = allocate(entry.compressedSize, `the compressed record '${entry.name}'`, source)
  source.read(entry.start, packed)
  const content = allocate(entry.size, `the record '${entry.name}'`, source)
  let length = 0
  const tooLong = () =>
    badArchive(source, `record '${printable(entry.name)}' inflates to more than its ${entry.size} bytes`)
  const { Inflate } = fflate()
  const stream = new Inflate((chunk) => {
    if (length + chunk.length > content.length) throw tooLong()
    content.set(chunk, length)
    length += chunk.length
  })
  try {
    for (let at = 0; at < packed.length; at += INFLATE_SLICE) {
      stream.push(packed.subarray(at, at + INFLATE_SLICE), at + INFLATE_SLICE >= packed.length)
    }
  } catch (error) {
    if (error instanceof GoldenLogitsError) throw error
    throw badArchive(source, `record '${printable(entry.name)}' cannot be inflated`, entry.start)
  }
  if (length !== content.length) {
    throw badArchive(source, `record '${printable(entry.name)}' inflates to ${length} bytes, expected ${entry.size}`)
  }
  checkCrc(source, entry, () => crc32(content))
  return content
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

/** The CRC-32 that the directory of this source has for a record, which may have been found in an equal one. */
export function crcOf(source: ByteSource, crcAt: number): number {
  const bytes = Buffer.alloc(4)
  source.read(crcAt, bytes)
  return bytes.readUInt32LE()
}

/** Is the content of a stored record what its CRC says, if it has one? */
export function hasStoredCrc(source: ByteSource, crcAt: number, content: Uint8Array, checksum: Checksum): boolean {
  const said = crcOf(source, crcAt)
  return said === LEFT_OUT || checksum.crc32(content) === said
}

/** torch ≥ 2.6 may leave the CRC out. No tool that compresses does. */
const LEFT_OUT = 0

function checkCrc(source: ByteSource, entry: ZipEntry, content: () => number): void {
  const said = crcOf(source, entry.crcAt)
  if (said === LEFT_OUT && !entry.deflated) return
  const found = content()
  if (found === said) return
  const [is, should] = [found, said].map((crc) => crc.toString(16).padStart(8, '0'))
  const message = `record '${printable(entry.name)}' has CRC-32 ${is}, but the archive says ${should}: the file was damaged; copy or dump it anew`
  throw new GoldenLogitsError('crc-mismatch', message, { file: source.file, offset: entry.start })
}
