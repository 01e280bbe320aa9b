import { crc32 } from 'node:zlib'
import { Inflate } from 'fflate'
import { GoldenLogitsError, shown } from '../errors.js'
import { badArchive } from '../io/bad-archive.js'
import type { ByteSource } from '../io/byte-source.js'
import { type Limits, withinLimit } from '../io/limits.js'
import type { ZipEntry } from '../io/zip-directory.js'

/** fflate inflates what it is given in one go: slices this small keep a bomb from outgrowing its declared size by much. */
const INFLATE_SLICE = 16 * 1024

/**
 * A way to read bytes of a record. One that is read from end to end is held against its CRC; a part cannot be, as that
 * would take reading it all. A compressed record is inflated once, whole.
 */
export function openRecord(
  source: ByteSource,
  entry: ZipEntry,
  limits: Limits,
): (offset: number, into: Uint8Array) => void {
  let inflated: Uint8Array | undefined
  return (offset, into) => {
    if (entry.deflated) {
      inflated ??= inflateRecord(source, entry, limits)
      into.set(inflated.subarray(offset, offset + into.length))
      return
    }
    source.read(entry.start + offset, into)
    if (into.length === entry.size) checkCrc(source, entry, into)
  }
}

/** The whole record, checked. */
export function wholeRecord(source: ByteSource, entry: ZipEntry, limits: Limits): Uint8Array {
  const bytes = new Uint8Array(entry.size)
  openRecord(source, entry, limits)(0, bytes)
  return bytes
}

function inflateRecord(source: ByteSource, entry: ZipEntry, limits: Limits): Uint8Array {
  const where = { file: source.file, offset: entry.start }
  withinLimit(limits, 'inflatedBytes', entry.size, `bytes of the compressed record '${shown(entry.name)}'`, where)
  const packed = new Uint8Array(entry.compressedSize)
  source.read(entry.start, packed)
  const content = new Uint8Array(entry.size)
  let length = 0
  const tooLong = () =>
    badArchive(source, `record '${shown(entry.name)}' inflates to more than its ${entry.size} bytes`)
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
    throw badArchive(source, `record '${shown(entry.name)}' cannot be inflated`, entry.start)
  }
  if (length !== content.length) {
    throw badArchive(source, `record '${shown(entry.name)}' inflates to ${length} bytes, expected ${entry.size}`)
  }
  checkCrc(source, entry, content)
  return content
}

/** torch ≥ 2.6 may leave the CRC out, as 0. No tool that compresses does. */
function checkCrc(source: ByteSource, entry: ZipEntry, bytes: Uint8Array): void {
  if (entry.crc === 0 && !entry.deflated) return
  const found = crc32(bytes)
  if (found === entry.crc) return
  const [is, should] = [found, entry.crc].map((crc) => crc.toString(16).padStart(8, '0'))
  const message = `record '${shown(entry.name)}' has CRC-32 ${is}, but the archive says ${should}: the file was damaged; copy or dump it anew`
  throw new GoldenLogitsError('crc-mismatch', message, { file: source.file, offset: entry.start })
}
