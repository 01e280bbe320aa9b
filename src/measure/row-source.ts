import type { ManyRows } from '../dumps/locate-row.js'
import type { DumpStep, RankReading } from '../dumps/types.js'
import type { KnownIds } from '../metrics/known-ids.js'
import type { LogProbs } from '../metrics/log-probs.js'
import type { RowComparison } from '../metrics/types.js'
import type { Dtype } from '../tensor/dtype.js'
import type { BoundedRows } from './outcome.js'
import type { RawRow } from './vocab-cut.js'

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

/** Rows that are sent to other threads with the pairs to measure. */
export interface SentRows {
  /** The program of the worker threads, as a module of this package: it knows what to make of the rows. */
  readonly program: string
  /** The golden's row of a step as plain data. */
  rowOf(step: DumpStep): unknown
}

/** `ManyRows`: every position counts (`positions: 'all'`), and the step does not say which of them it is. */
export type Prepared = PreparedRow | LogProbRow | KnownIdsRow | PartialRow | ManyRows | ShapeMismatch | Unreadable

/** A row of logits that was located and can be read. */
export interface PreparedRow {
  readonly kind: 'row'
  readonly dtype: Dtype
  /** Shape of the tensor in the file (in each file, if there are several ranks). */
  readonly fileShape: readonly number[]
  /** One per rank, in numeric order of the devices. */
  readonly parts: readonly RowPart[]
  /** What the option `ranks` says of the parts. */
  readonly ranks?: RankReading | undefined
  /** What the source chose or left out, one line each. */
  readonly notes: readonly string[]
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

/** A row of log-probabilities that was located and can be read. */
export interface LogProbRow {
  readonly kind: 'log-probs'
  readonly dtype: Dtype
  readonly fileShape: readonly number[]
  readonly file: string
  /** Number of columns. */
  readonly width: number
  readonly notes: readonly string[]
  /**
   * Valid until the next call.
   * @throws GoldenLogitsError what the reader throws
   */
  read(): LogProbs
}

/** A row of which the log-probabilities of some ids are known. */
export interface KnownIdsRow {
  readonly kind: 'known-ids'
  readonly dtype: Dtype
  /** Its width is the number of known ids. */
  readonly fileShape: readonly number[]
  readonly file: string
  readonly notes: readonly string[]
  readonly known: KnownIds
}

/** Whether a row holds log-probabilities. */
export function hasLogs(prepared: Prepared): prepared is LogProbRow | KnownIdsRow {
  return prepared.kind === 'log-probs' || prepared.kind === 'known-ids'
}

/** A row of which only a part is known: it bounds the metrics. */
export interface PartialRow {
  readonly kind: 'partial'
  readonly dtype: Dtype
  readonly fileShape: readonly number[]
  readonly parts: readonly Pick<RowPart, 'file' | 'dtype' | 'width'>[]
  readonly notes: readonly string[]
  /** @param row the other side's logits, of the same vocabulary size; float32 holds them */
  compare(row: RawRow): RowComparison | BoundedRows
}

/** The tensor was found but holds no row that can be compared. */
export interface ShapeMismatch {
  readonly kind: 'shape-mismatch'
  readonly reason: string
  readonly dtype: Dtype
  readonly fileShape: readonly number[]
}

export interface Unreadable {
  readonly kind: 'unreadable'
  readonly reason: string
}
