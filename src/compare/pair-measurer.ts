import type { DumpStep } from '../dumps/types.js'
import { type FileLayout, hasLayout } from '../formats/file-layout.js'
import { adjacentFrom } from '../formats/storage-tensor.js'
import { hasStoredCrc } from '../formats/zip-record.js'
import { memorySource } from '../io/memory-source.js'
import { readWhole } from '../io/read-whole.js'
import type { RowKernel } from '../metrics/kernel.js'
import { type Dtype, itemSize } from '../tensor/dtype.js'
import { measurePair, type PairOutcome, type PairSettings, type Readers, readersOf } from './measure-pair.js'
import type { RowPart } from './row-source.js'
import type { TokenSide } from './types.js'

/** Where a file of a kind has its row, and what is said of it. */
interface KnownRow {
  readonly layout: FileLayout
  readonly dtype: Dtype
  readonly fileShape: readonly number[]
  /** The row's bytes in the file. */
  readonly start: number
  readonly length: number
  readonly crcAt: number | undefined
  /** Bytes of the buffer in front of the file. */
  readonly before: number
}

/** In what files the rows of a pair were found. Plain data: it may cross from one thread to another. */
export interface KnownPair {
  readonly golden: KnownRow
  readonly dump: KnownRow
  readonly width: number
  readonly notes: readonly string[]
}

/** A file is read whole if no more than so many of its bytes are not of the row: a call of the system costs as much. */
const MOST_BESIDE = 16 * 1024

/** So many pairs may have the sizes of the one before them and turn out to be others: each was read in vain. */
const MOST_MISSES = 4

/**
 * Measures one pair after the other. One that is as the last that took more thought (a file a side, described by the very
 * same bytes) is measured by a short way: each file is read by one call, into the kernel's memory, and nothing is made of it
 * but its row. Nearly all pairs of a comparison are such.
 *
 * All that runs for each of them is written as plainly as can be, here and in what it calls: on the first thousand tokens V8
 * still interprets it, and what it compiles meanwhile takes processor time from the other threads.
 */
export class PairMeasurer {
  private readonly settings: PairSettings
  private readonly kernel: RowKernel
  private readonly readers: Readers
  private pair: KnownPair | undefined
  private misses = 0

  /** @param known what another measurer has found, with the same settings */
  constructor(settings: PairSettings, kernel: RowKernel, known?: KnownPair) {
    this.settings = settings
    this.kernel = kernel
    this.readers = readersOf(settings, kernel)
    this.pair = known
  }

  get known(): KnownPair | undefined {
    return this.pair
  }

  measure(golden: DumpStep, dump: DumpStep): PairOutcome {
    return (
      this.likeBefore(golden, dump) ?? measurePair(golden, dump, this.settings, this.kernel, this.learn, this.readers)
    )
  }

  /** undefined where there is anything else to be said of a pair than how its rows compare. */
  private likeBefore(golden: DumpStep, dump: DumpStep): PairOutcome | undefined {
    const { pair: known, kernel } = this
    if (!known || !isOneFile(golden) || !isOneFile(dump)) return undefined
    const g = known.golden
    const d = known.dump
    const buffers = kernel.reserve(roomOf(g), roomOf(d))
    const read = this.read(golden.files[0]!, g, buffers.golden) && this.read(dump.files[0]!, d, buffers.dump)
    if (!read) return undefined
    const rows = kernel.compare(g.dtype, d.dtype, known.width, g.before + g.start, d.before + d.start)
    return {
      golden: sideOf(golden, g, known.width),
      dump: sideOf(dump, d, known.width),
      notes: known.notes,
      kind: 'compared',
      rows,
    }
  }

  /** Takes over where the rows of a pair were found. */
  private readonly learn = (golden: readonly RowPart[], dump: readonly RowPart[], notes: readonly string[]): void => {
    if (this.misses > MOST_MISSES || this.settings.vocabSize !== undefined) return
    const g = golden.length === 1 ? knownRow(golden[0]!) : undefined
    const d = dump.length === 1 ? knownRow(dump[0]!) : undefined
    this.pair = g && d && { golden: g, dump: d, width: golden[0]!.width, notes }
  }

  private read(file: string, { layout, start, length, crcAt, before }: KnownRow, buffer: Uint8Array): boolean {
    if (!readWhole(file, layout.size, buffer.subarray(before))) return false
    const source = memorySource(buffer.subarray(before, before + layout.size), file)
    if (hasLayout(source, layout)) {
      const row = buffer.subarray(before + start, before + start + length)
      return crcAt === undefined || hasStoredCrc(source, crcAt, row, this.kernel)
    }
    if (++this.misses > MOST_MISSES) this.pair = undefined
    return false
  }
}

function isOneFile({ files, problem }: DumpStep): boolean {
  return files.length === 1 && problem === undefined
}

/** `readWhole` asks for a byte more. */
function roomOf({ layout, before }: KnownRow): number {
  return before + layout.size + 1
}

function sideOf({ files, layer }: DumpStep, { dtype, fileShape }: KnownRow, width: number): TokenSide {
  return { files, layer, dtype, fileShape, shape: [1, width] }
}

/** undefined where the row is not all that is worth reading of its file, or does not lie there as it is. */
function knownRow({ file, source, tensor, layout, index, dtype, width, start }: RowPart): KnownRow | undefined {
  const stored = layout?.stored[index]
  // A file that says where its data are leads to another one.
  if (!layout || !stored?.place || source.file !== file) return undefined
  const first = adjacentFrom(stored.tensor, start, width)
  if (first === undefined) return undefined
  const { place } = stored
  const [from, length] = [place.start + first * itemSize(dtype), width * itemSize(dtype)]
  // A part of a record says nothing of its CRC.
  if (layout.size - length > MOST_BESIDE || (place.crcAt !== undefined && length !== place.size)) return undefined
  const { size, fragments, ownName } = layout
  return {
    layout: { size, fragments, ownName },
    dtype,
    fileShape: tensor.shape,
    start: from,
    length,
    crcAt: place.crcAt,
    before: roomBefore(from),
  }
}

/** Rows begin at multiples of 64, and files neither at the front of a page nor up to 31 bytes behind it: see `middleFrom`. */
function roomBefore(start: number): number {
  return 64 + ((64 - (start % 64)) % 64)
}
