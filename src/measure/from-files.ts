import { locateRow, type ManyRows, type NoRow, type RowChoice, type RowPlace } from '../dumps/locate-row.js'
import type { DumpStep, RankReading } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import { type FileLayout, hasLayout } from '../formats/file-layout.js'
import type { Checksum } from '../formats/format.js'
import { adjacentFrom } from '../formats/storage-tensor.js'
import { readerFor, type TensorReader } from '../formats/tensor-reader.js'
import { hasStoredCrc } from '../formats/zip-record.js'
import type { Budgets } from '../io/budgets.js'
import { memorySource } from '../io/memory-source.js'
import { readWhole } from '../io/read-whole.js'
import { type Dtype, itemSize } from '../tensor/dtype.js'
import { type OpenFile, OpenStep } from './open-step.js'
import { type Prepared, type PreparedRow, type RowPart, type RowSource, rowPart } from './row-source.js'

/** How files of a dump that are laid out alike hold their row. Plain data: it may cross from one thread to another. */
export interface RowLayout {
  readonly file: FileLayout
  readonly dtype: Dtype
  readonly fileShape: readonly number[]
  readonly width: number
  readonly notes: readonly string[]
  /** The row's bytes in the file. */
  readonly start: number
  readonly length: number
  readonly crcAt: number | undefined
  /** Bytes of the buffer in front of the file. */
  readonly before: number
}

/** All that a source of files is made of, as plain data: of it another thread makes a source of the same rows. */
export interface FilesSetting {
  readonly budgets: Partial<Budgets>
  readonly choice: RowChoice
  /** The option `ranks` of the dump. */
  readonly ranks?: RankReading | undefined
  /** What the source has learnt: another need not learn it. */
  readonly layout?: RowLayout | undefined
}

/** A file is read whole if at most this many of its bytes are outside the row: a system call costs as much. */
const MOST_BESIDE = 16 * 1024

/** Give up assuming after this many same-sized files with another layout: each was read for nothing. */
const MOST_MISSES = 4

/**
 * Rows in files. If a file has the layout of the one before it (nearly all files of a dump do), it is read by one call into
 * the caller's buffer and nothing is parsed.
 *
 * What runs for each of these files is written as plainly as possible, here and in what it calls: on the first thousand
 * tokens V8 still interprets it, and compiling takes processor time from the other threads.
 */
export class FilesSource implements RowSource {
  private readonly given: FilesSetting
  private readonly checksum: Checksum
  private readonly reader: TensorReader
  private assumed: AssumedRow | undefined
  private misses = 0
  /** The files of the step whose positions are being read. */
  private held: OpenStep | undefined

  /** @param checksum computes CRCs: the kernel does so fastest for what lies in its own memory */
  constructor(setting: FilesSetting, checksum: Checksum) {
    const { budgets, layout } = setting
    this.given = setting
    this.checksum = checksum
    this.reader = readerFor(budgets, checksum)
    this.assumed = layout && new AssumedRow(layout, checksum, this.miss)
  }

  get setting(): FilesSetting {
    return { ...this.given, layout: this.assumed?.layout }
  }

  prepare(step: DumpStep, thoroughly: boolean): Prepared {
    const { assumed } = this
    const isPlain = step.files.length === 1 && step.problem === undefined && step.position === undefined
    if (thoroughly || !assumed || !isPlain) return this.open(step)
    assumed.file = step.files[0]!
    return assumed
  }

  releaseFiles(): void {
    this.held?.close()
    this.held = undefined
  }

  private open(step: DumpStep): Prepared {
    if (step.problem !== undefined) return { kind: 'unreadable', reason: step.problem }
    if (step.files.length === 0) return { kind: 'unreadable', reason: 'the step has no file' }
    let opened: OpenStep | undefined
    try {
      opened = this.openFiles(step)
      const prepared = this.rowOf(step, opened)
      if (prepared.kind !== 'row') this.release(opened)
      return prepared
    } catch (error) {
      if (opened) this.release(opened)
      if (error instanceof GoldenLogitsError) return { kind: 'unreadable', reason: error.message }
      throw error
    }
  }

  /** The positions of a step are read one after the other: its files stay open, and what was checked of them stays checked. */
  private openFiles({ files, position }: DumpStep): OpenStep {
    const isPosition = position !== undefined
    if (isPosition && this.held?.has(files)) return this.held
    this.releaseFiles()
    const opened = new OpenStep(files, this.reader)
    if (isPosition) this.held = opened
    return opened
  }

  private release(opened: OpenStep): void {
    if (opened === this.held) this.held = undefined
    opened.close()
  }

  private rowOf({ position }: DumpStep, opened: OpenStep): Prepared {
    const { files } = opened
    const notes = [...opened.notes]
    const places = files.map(({ tensors }) => locateRow(tensors, this.given.choice, notes, position))
    const noRow = places.find((place) => place.kind === 'shape-mismatch')
    if (noRow) return noRow
    const many = places.find((place) => place.kind === 'positions')
    if (many) return positionsOf(many, places)
    const parts = files.map((file, i) => {
      const place = places[i] as RowPlace
      const isPlain = files.length === 1 && position === undefined
      const [name, tensor] = [opened.names[i]!, file.tensors[place.index]!]
      const layout = isPlain ? rowLayout(name, file, place, notes) : undefined
      return rowPart(name, tensor.dtype, place.width, (into) => {
        tensor.readRaw(place.start, place.width, into)
        if (layout) this.learn(layout)
      })
    })
    const fileShape = files[0]!.tensors[(places[0] as RowPlace).index]!.shape
    const close = opened === this.held ? () => undefined : () => opened.close()
    const { ranks } = this.given
    return { kind: 'row', dtype: parts[0]!.dtype, fileShape, parts, ranks, notes, assumed: false, close }
  }

  private learn(layout: RowLayout): void {
    if (this.misses <= MOST_MISSES) this.assumed = new AssumedRow(layout, this.checksum, this.miss)
  }

  private readonly miss = (): void => {
    if (++this.misses > MOST_MISSES) this.assumed = undefined
  }
}

/** The row of a file that is assumed to have a known layout. The same object serves one file after the other. */
class AssumedRow implements PreparedRow, RowPart {
  readonly kind = 'row'
  readonly assumed = true
  readonly layout: RowLayout
  readonly dtype: Dtype
  readonly width: number
  readonly fileShape: readonly number[]
  readonly notes: readonly string[]
  readonly room: number
  readonly parts: readonly RowPart[]
  file = ''
  private readonly checksum: Checksum
  private readonly miss: () => void

  constructor(layout: RowLayout, checksum: Checksum, miss: () => void) {
    this.layout = layout
    this.dtype = layout.dtype
    this.width = layout.width
    this.fileShape = layout.fileShape
    this.notes = layout.notes
    // `readWhole` asks for one byte more than the file has.
    this.room = layout.before + layout.file.size + 1
    this.parts = [this]
    this.checksum = checksum
    this.miss = miss
  }

  read(into: Uint8Array): number | undefined {
    const { file, start, length, crcAt, before } = this.layout
    if (!readWhole(this.file, file.size, into.subarray(before))) return undefined
    const source = memorySource(into.subarray(before, before + file.size), this.file)
    if (!hasLayout(source, file)) {
      this.miss()
      return undefined
    }
    const from = before + start
    if (crcAt === undefined) return from
    return hasStoredCrc(source, crcAt, into.subarray(from, from + length), this.checksum) ? from : undefined
  }

  close(): void {}
}

/** The positions of a step, if each rank has as many. */
function positionsOf(many: ManyRows, places: readonly (RowPlace | ManyRows | NoRow)[]): ManyRows | NoRow {
  const { count, dtype, fileShape } = many
  const counts = places.map((place) => (place.kind === 'positions' ? place.count : 1))
  if (counts.every((other) => other === count)) return many
  const reason = `the ranks hold different numbers of positions (${counts.join(', ')})`
  return { kind: 'shape-mismatch', reason, dtype, fileShape }
}

/** undefined if there is more to read in the file than the row, or the row does not lie there byte for byte. */
function rowLayout(
  file: string,
  { source, tensors, layout }: OpenFile,
  { index, width, start }: RowPlace,
  notes: readonly string[],
): RowLayout | undefined {
  const stored = layout?.stored[index]
  // A file without data names the file that holds them.
  if (!layout || !stored?.place || source.file !== file) return undefined
  const { dtype, shape } = tensors[index]!
  const first = adjacentFrom(stored.tensor, start, width)
  if (first === undefined) return undefined
  const { place } = stored
  const [from, length] = [place.start + first * itemSize(dtype), width * itemSize(dtype)]
  // The CRC of a record cannot be checked with a part of it.
  if (layout.size - length > MOST_BESIDE || (place.crcAt !== undefined && length !== place.size)) return undefined
  return {
    // Without the parsed tensors, which cannot cross to another thread.
    file: { size: layout.size, fragments: layout.fragments, ownName: layout.ownName },
    dtype,
    fileShape: shape,
    width,
    notes: [...notes],
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
