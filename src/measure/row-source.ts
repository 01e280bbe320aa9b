import type { ManyRows, NoRow } from '../dumps/locate-row.js'
import type { DumpStep, RankReading } from '../dumps/types.js'
import type { KnownIds } from '../metrics/known-ids.js'
import type { LogProbs } from '../metrics/log-probs.js'
import type { RowComparison } from '../metrics/types.js'
import { type Dtype, itemSize } from '../tensor/dtype.js'
import type { RawRow } from '../tensor/widen.js'
import type { BoundedRows } from './outcome.js'

/**
 * Where one side's rows come from: files, a snapshot, memory. `measurePair` asks the sources of both sides for the same step
 * and knows nothing else of them.
 */
export interface RowSource {
  /**
   * Finds the row of a step without reading it. What is wrong with a file is an answer, not an error: it fails its token and
   * no other.
   * @param thoroughly assume nothing: what an earlier step had in common with others may not hold for this one
   */
  prepare(step: DumpStep, thoroughly: boolean): Prepared
  /** Releases what is kept open from one call of `prepare` to the next. The source may be used again. */
  releaseFiles?(): void
  /** How other threads get the same rows; absent if they cannot, or if the source reads files. */
  readonly sent?: SentRows | undefined
}

/** The sources of the rows of both sides. */
export interface RowSources {
  readonly golden: RowSource
  readonly dump: RowSource
}

/** Rows that are sent to other threads with the pairs to measure. */
export interface SentRows {
  /** The program of the worker threads, as a module of this package: it knows what to make of the rows. */
  readonly program: string
  /** The golden's row of a step as plain data. */
  rowOf(step: DumpStep): unknown
}

/** `ManyRows`: every position counts (`positions: 'all'`), and the step does not say which of them it is. */
export type Prepared = PreparedRow | LogProbRow | KnownIdsRow | PartialRow | ManyRows | NoRow | Unreadable

/** A row that was located. */
interface LocatedRow {
  readonly dtype: Dtype
  /** Shape of the tensor in the file (in each file, if there are several ranks). */
  readonly fileShape: readonly number[]
  /** What the source chose or left out, one line each. */
  readonly notes: readonly string[]
}

/** A row of logits that can be read. */
export interface PreparedRow extends LocatedRow {
  readonly kind: 'row'
  /** One per rank, in numeric order of the devices. */
  readonly parts: readonly RowPart[]
  /** What the option `ranks` says of the parts. */
  readonly ranks?: RankReading | undefined
  /** The row is assumed to lie as that of an earlier step did: nothing counts before its part was read. */
  readonly assumed: boolean
  /** Releases what `prepare` opened. */
  close(): void
}

/** One rank's share of a row, or its copy. */
export interface RowPart {
  /** The file to name in a reason. */
  readonly file: string
  readonly dtype: Dtype
  /** Number of columns. */
  readonly width: number
  /** Bytes that `read` needs: the bytes of the row, or of more of the file if one call reads it. */
  readonly room: number
  /**
   * Puts the raw little-endian row into `into`, which has `room` bytes.
   * @returns where in `into` the row begins, in bytes; undefined if the row does not lie where it was assumed
   * @throws GoldenLogitsError what the reader throws
   */
  read(into: Uint8Array): number | undefined
}

/** The raw row of a part, in new memory; undefined if it does not lie where it was assumed. */
export function readPart(part: RowPart): Uint8Array | undefined {
  const bytes = new Uint8Array(part.room)
  const start = part.read(bytes)
  // More of the file may lie behind the row.
  return start === undefined ? undefined : bytes.subarray(start, start + part.width * itemSize(part.dtype))
}

/** A part that `read` puts into memory of just its size. */
export function rowPart(file: string, dtype: Dtype, width: number, read: (into: Uint8Array) => void): RowPart {
  const room = width * itemSize(dtype)
  return {
    file,
    dtype,
    width,
    room,
    read(into) {
      read(into.subarray(0, room))
      return 0
    },
  }
}

/** A row of log-probabilities that can be read. */
export interface LogProbRow extends LocatedRow {
  readonly kind: 'log-probs'
  readonly file: string
  /** Number of columns. */
  readonly width: number
  /**
   * Valid until the next call.
   * @throws GoldenLogitsError what the reader throws
   */
  read(): LogProbs
}

/** A row of which the log-probabilities of some ids are known. The width of `fileShape` is their number. */
export interface KnownIdsRow extends LocatedRow {
  readonly kind: 'known-ids'
  readonly file: string
  readonly known: KnownIds
}

/** Whether a row holds log-probabilities. */
export function hasLogs(prepared: Prepared): prepared is LogProbRow | KnownIdsRow {
  return prepared.kind === 'log-probs' || prepared.kind === 'known-ids'
}

/** A row of which only a part is known: it bounds the metrics. */
export interface PartialRow extends LocatedRow {
  readonly kind: 'partial'
  /** To plan the ranks: they cannot be read. */
  readonly parts: readonly RowPart[]
  /** @param row the other side's logits, of the same vocabulary size; float32 holds them */
  compare(row: RawRow): RowComparison | BoundedRows
}

interface Unreadable {
  readonly kind: 'unreadable'
  readonly reason: string
}

/** The notes of one side. */
export function notesOf(side: string, prepared: Prepared): string[] {
  return 'notes' in prepared ? prepared.notes.map((note) => `${side}: ${note}`) : []
}
