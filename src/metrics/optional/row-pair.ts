import type { Row } from '../../tensor/widen.js'
import { topIds } from '../top-logits.js'
import type { RowStats } from '../types.js'
import { type Distances, softmaxDistances } from './distances.js'

/** Two rows of one width without NaN and +Inf, each with a finite logit; what several metrics need is computed once. */
export class RowPair {
  readonly golden: Row
  readonly dump: Row
  readonly goldenTop1: number
  readonly dumpTop1: number
  readonly goldenMax: number
  readonly dumpMax: number
  private knownDistances: Distances | undefined
  private knownTopIds: readonly [readonly number[], readonly number[]] | undefined

  constructor(golden: Row, dump: Row, stats: { readonly golden: RowStats; readonly dump: RowStats }) {
    this.golden = golden
    this.dump = dump
    this.goldenTop1 = stats.golden.top1
    this.dumpTop1 = stats.dump.top1
    this.goldenMax = stats.golden.max
    this.dumpMax = stats.dump.max
  }

  get distances(): Distances {
    this.knownDistances ??= softmaxDistances(this.golden, this.dump, this.goldenTop1, this.dumpMax)
    return this.knownDistances
  }

  /** The ids of the highest logits of each row, at most `count`, from the highest on. */
  topIds(count: number): readonly [golden: readonly number[], dump: readonly number[]] {
    this.knownTopIds ??= [topIds(this.golden, count), topIds(this.dump, count)]
    return this.knownTopIds
  }
}
