import type { List } from '../../lib/lazy-list.js'
import type { PairOutcome } from '../measure-pair.js'
import { settle } from '../settle.js'
import type { StepPair } from '../step-pairs.js'
import type { GatedMetrics } from '../verdict.js'
import { ChunkStore } from './chunk-store.js'
import { OutcomeLog } from './outcome-log.js'
import { isMeasured, type RowForm, RowForms } from './row-form.js'
import {
  copyRow,
  formOfRow,
  IN_LOG,
  NO_ROW,
  ROW_BYTES,
  type RowMemory,
  readGated,
  readPlace,
  readRow,
  rowMemory,
  writePlace,
  writeRow,
} from './row-memory.js'

/** Rows of a chunk: memory is taken, and taken again for others, for at most so many at a time. */
const CHUNK = 2048

/** How much is kept in memory: chunks of rows, outcomes as objects, pages of outcomes as bytes. All else goes to temporary files. */
export interface Room {
  readonly chunks: number
  readonly objects: number
  readonly pages: number
}

/** What there is to see of a row without making an outcome of it. */
export interface PlainRow {
  readonly form: RowForm
  readonly metrics: GatedMetrics
}

/** Rows for 16,384 pairs, 1,000 objects and some thousands as bytes: at most 5 MB. */
const ROOM: Room = { chunks: 8, objects: 1000, pages: 4 }

/**
 * The outcomes of a comparison, by the place of their pair: of a measured pair a row of numbers, of any other an object. An
 * outcome is made anew each time it is asked for. All of it is made by this thread, none by the one that measured: what a
 * message brought from another thread is of the main context, and in a runner's environment that has its own,
 * `instanceof Array` or `assert.deepStrictEqual` would tell it from what this thread made.
 */
export class OutcomeTable {
  readonly forms = new RowForms()
  private readonly rows: ChunkStore<RowMemory>
  private readonly chunk: number
  private readonly objects = new Map<number, PairOutcome>()
  private readonly mostObjects: number
  private readonly log: OutcomeLog
  private readonly pairs: List<StepPair>

  constructor(pairs: List<StepPair>, { chunks, objects, pages } = ROOM) {
    this.pairs = pairs
    this.chunk = Math.min(CHUNK, pairs.length)
    this.rows = new ChunkStore(this.chunk * ROW_BYTES, chunks, rowMemory)
    this.mostObjects = objects
    this.log = new OutcomeLog(pages)
  }

  has(index: number): boolean {
    const chunk = this.rows.at(this.numberOf(index))
    return (chunk && formOfRow(chunk, this.rowOf(index)) !== NO_ROW) || this.objects.has(index)
  }

  put(index: number, outcome: PairOutcome): void {
    if (isMeasured(outcome)) {
      writeRow(this.chunkOf(index), this.rowOf(index), outcome.rows, outcome.cut, this.forms.numberOf(outcome))
    } else if (this.objects.size < this.mostObjects) {
      const { golden, dump } = this.pairs.at(index)!
      this.objects.set(index, settle(outcome, golden!, dump!))
    } else {
      writePlace(this.chunkOf(index), this.rowOf(index), this.log.add(outcome))
    }
  }

  /** Takes over a row that another thread wrote, whose form is one of the first that `forms` gave it. */
  putRow(index: number, memory: RowMemory, row: number): void {
    copyRow(memory, row, this.chunkOf(index), this.rowOf(index))
  }

  /**
   * undefined where the pair was not measured: one side only holds the step.
   * @param pair that of the same place, where the caller has it already
   */
  at(index: number, pair?: StepPair): PairOutcome | undefined {
    const chunk = this.rows.at(this.numberOf(index))
    const row = this.rowOf(index)
    const form = chunk ? formOfRow(chunk, row) : NO_ROW
    if (!chunk || form === NO_ROW) return this.objects.get(index)
    const { golden, dump } = pair ?? this.pairs.at(index)!
    if (form === IN_LOG) return settle(this.log.at(readPlace(chunk, row)), golden!, dump!)
    return readRow(chunk, row, this.forms.at(form), { golden: golden!, dump: dump! })
  }

  /** undefined where there is more to be told of the pair than its row. */
  plainAt(index: number): PlainRow | undefined {
    const chunk = this.rows.at(this.numberOf(index))
    const row = this.rowOf(index)
    const number = chunk ? formOfRow(chunk, row) : NO_ROW
    if (!chunk || number === NO_ROW || number === IN_LOG) return undefined
    const form = this.forms.at(number)
    return form.notes.length > 0 || form.cut ? undefined : { form, metrics: readGated(chunk, row) }
  }

  private chunkOf(index: number): RowMemory {
    return this.rows.forWriting(this.numberOf(index))
  }

  private numberOf(index: number): number {
    return Math.floor(index / this.chunk)
  }

  private rowOf(index: number): number {
    return index % this.chunk
  }
}
