import type { Row } from '../../tensor/widen.js'
import { topIds } from '../top-logits.js'
import type { RowStats } from '../types.js'
import { type Distances, softmaxDistances } from './distances.js'

/** Two rows of one width without NaN and +Inf, each with a finite logit; what several metrics need is computed once. */
export class RowPair {
  readonly golden: Row
  readonly dump: Row
  readonly stats: Readonly<Record<'golden' | 'dump', RowStats>>
  private knownDistances: Distances | undefined
  private knownTopIds: readonly [readonly number[], readonly number[]] | undefined

  constructor(golden: Row, dump: Row, stats: Readonly<Record<'golden' | 'dump', RowStats>>) {
    this.golden = golden
    this.dump = dump
    this.stats = stats
  }

  get distances(): Distances {
    const { golden, dump } = this.stats
    this.knownDistances ??= softmaxDistances(this.golden, this.dump, golden.top1, dump.max)
    return this.knownDistances
  }

  /** The ids of the highest logits of each row, at most `count`, from the highest on. */
  topIds(count: number): readonly [golden: readonly number[], dump: readonly number[]] {
    this.knownTopIds ??= [topIds(this.golden, count), topIds(this.dump, count)]
    return this.knownTopIds
  }
}
