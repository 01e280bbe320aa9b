import { printable } from '../errors.js'
import { badArchive } from './bad-archive.js'
import type { ByteSource } from './byte-source.js'
import type { ZipEntry } from './zip-directory.js'

/** No name comes twice. */
export function checkNames(source: ByteSource, entries: readonly ZipEntry[]): void {
  const names = new Set<string>()
  for (const { name } of entries) {
    if (names.has(name)) throw badArchive(source, `two records are named '${printable(name)}'`)
    names.add(name)
  }
}

/** CRC and two sizes behind a record, of 4 or 8 bytes each, with or without a signature. */
const DESCRIPTOR_SIZES: readonly number[] = [12, 16, 20, 24]

/**
 * Records follow each other from byte 0 to the directory, in any order. They do not touch each other, and nothing but a
 * data descriptor lies between them: no second archive hides in a gap.
 */
export function checkSpans(source: ByteSource, entries: readonly ZipEntry[], directory: number): void {
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
      throw badArchive(source, `${gap} bytes behind record '${printable(entry.name)}' belong to no record`, end)
    }
  })
}
