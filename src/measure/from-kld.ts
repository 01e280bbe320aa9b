import type { DumpStep } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import { type KldFile, type KldRow, readKld, readKldRow } from '../formats/kld.js'
import { type Budgets, resolveBudgets } from '../io/budgets.js'
import type { ByteSource } from '../io/byte-source.js'
import { type FileSource, openFile } from '../io/file-source.js'
import { CodedRow } from '../metrics/coded-row.js'
import { CodedLogProbs, type LogProbs } from '../metrics/log-probs.js'
import type { Prepared, RowSource } from './row-source.js'

/** Rows of a base file of llama.cpp. The file stays open until `releaseFiles`. */
export class KldSource implements RowSource {
  private readonly budgets: Readonly<Budgets>
  private open: { readonly source: FileSource; readonly rows: KldRows } | undefined

  constructor(budgets: Partial<Budgets>) {
    this.budgets = resolveBudgets(budgets)
  }

  prepare({ files, position = 0 }: DumpStep): Prepared {
    const file = files[0]!
    try {
      const { vocabSize, chunks, rowsPerChunk } = this.opened(file).kld
      if (position >= chunks * rowsPerChunk) {
        return { kind: 'unreadable', reason: `${file} was changed: it has no row ${position} any more` }
      }
      return {
        kind: 'log-probs',
        // The codes are 16 bits wide.
        dtype: 'uint16',
        fileShape: [1, vocabSize],
        file,
        width: vocabSize,
        notes: [],
        read: () => this.opened(file).row(position),
      }
    } catch (error) {
      if (error instanceof GoldenLogitsError) return { kind: 'unreadable', reason: error.message }
      throw error
    }
  }

  releaseFiles(): void {
    this.open?.source.close()
    this.open = undefined
  }

  private opened(file: string): KldRows {
    if (this.open?.source.file === file) return this.open.rows
    this.releaseFiles()
    const source = openFile(file, this.budgets)
    try {
      const rows = new KldRows(source, readKld(source, this.budgets))
      this.open = { source, rows }
      return rows
    } catch (error) {
      source.close()
      throw error
    }
  }
}

/** The rows of an open base file, with memory for one of them. */
export class KldRows {
  private readonly source: ByteSource
  readonly kld: KldFile
  private readonly bytes: Uint8Array
  private readonly coded = new CodedRow()

  constructor(source: ByteSource, kld: KldFile) {
    this.source = source
    this.kld = kld
    this.bytes = new Uint8Array(kld.rowBytes)
  }

  /**
   * The row, valid until the next call.
   * @throws GoldenLogitsError `bad-tensor` if it is no row of log-probabilities
   */
  row(index: number): LogProbs {
    const row = readKldRow(this.source, this.kld, index, this.bytes)
    this.coded.load(row.scale, row.lowest, row.codes)
    const { sum, atLowest } = this.coded
    const error = row.scale * CODE_ERROR + SLACK
    // Nothing that lies higher was raised to the floor.
    const atFloor = row.lowest < -RANGE ? atLowest * Math.exp(row.lowest + error) : 0
    const most = 1 + MOST_EXCESS + atFloor
    // Of codes that lie far apart, the sum is no number.
    if (!(sum >= 1 - MOST_EXCESS && sum <= most)) {
      const message = `the probabilities of row ${index} sum to ${sum}, expected 1: the file is damaged`
      const offset = this.kld.start + index * this.kld.rowBytes
      throw new GoldenLogitsError('bad-tensor', message, { file: this.source.file, offset })
    }
    return new CodedLogProbs(this.coded, { error, topError: SLACK, floor: floorOf(row, atLowest) })
  }
}

/** llama.cpp rounds to the nearest code, in float32. */
const CODE_ERROR = 0.51

/** What its other steps in float32 may change, in nats. */
const SLACK = 4e-6

/** The sum of a row's probabilities differs from 1 by its rounding, and by what the ids at the floor hold too much. */
const MOST_EXCESS = 0.01

/** llama.cpp keeps at least this range below the top of a row; a fork keeps more. A little less, for its rounding. */
const RANGE = 15.99

/** A row that ends before that was not cut: its lowest value is that of an id. Several ids there may have been cut by a fork. */
function floorOf({ scale, lowest }: KldRow, idsAtLowest: number): number {
  return idsAtLowest === 1 && 65535 * scale < RANGE ? Number.NEGATIVE_INFINITY : lowest
}
