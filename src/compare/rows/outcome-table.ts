import type { List } from '../../list.js'
import type { PairOutcome } from '../measure-pair.js'
import { settle } from '../settle.js'
import type { StepPair } from '../step-pairs.js'
import { isMeasured, RowForms } from './row-form.js'
import { copyRow, formOfRow, ROW_BYTES, type RowMemory, readRow, rowMemory, writeRow } from './row-memory.js'

/** Memory is taken for at most so many rows at a time. */
const CHUNK = 2048

/**
 * The outcomes of a comparison, by the place of their pair: of a measured pair a row of numbers, of any other an object. An
 * outcome is made anew each time it is asked for. All of it is made by this thread, none by the one that measured: what a
 * message brought from another thread is of the main context, and in a runner's environment that has its own,
 * `instanceof Array` or `assert.deepStrictEqual` would tell it from what this thread made.
 */
export class OutcomeTable {
  readonly forms = new RowForms()
  private readonly chunks: RowMemory[] = []
  private readonly others = new Map<number, PairOutcome>()
  private readonly pairs: List<StepPair>

  constructor(pairs: List<StepPair>) {
    this.pairs = pairs
  }

  has(index: number): boolean {
    return this.others.has(index) || this.formAt(index) >= 0
  }

  put(index: number, outcome: PairOutcome): void {
    if (isMeasured(outcome)) {
      writeRow(this.chunkOf(index), index % CHUNK, outcome.rows, outcome.cut, this.forms.numberOf(outcome))
      return
    }
    const { golden, dump } = this.pairs.at(index)!
    this.others.set(index, settle(outcome, golden!, dump!))
  }

  /** Takes over a row that another thread wrote, whose form is one of the first that `forms` gave it. */
  putRow(index: number, memory: RowMemory, row: number): void {
    copyRow(memory, row, this.chunkOf(index), index % CHUNK)
  }

  /**
   * undefined where the pair was not measured: one side only holds the step.
   * @param pair that of the same place, where the caller has it already
   */
  at(index: number, pair?: StepPair): PairOutcome | undefined {
    const number = this.formAt(index)
    if (number < 0) return this.others.get(index)
    const form = this.forms.at(number)
    const { golden, dump } = pair ?? this.pairs.at(index)!
    return readRow(this.chunkOf(index), index % CHUNK, form, { golden: golden!, dump: dump! })
  }

  private formAt(index: number): number {
    const chunk = this.chunks[Math.floor(index / CHUNK)]
    return chunk ? formOfRow(chunk, index % CHUNK) : -1
  }

  private chunkOf(index: number): RowMemory {
    const number = Math.floor(index / CHUNK)
    const rows = Math.min(CHUNK, this.pairs.length - number * CHUNK)
    this.chunks[number] ??= rowMemory(new ArrayBuffer(rows * ROW_BYTES))
    return this.chunks[number]
  }
}
