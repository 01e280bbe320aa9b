import type { Dtype } from '../tensor/dtype.js'
import type { MeasuredOutcome, SideFacts } from './outcome.js'
import type { VocabCut } from './vocab-cut.js'

interface SideShape {
  readonly kind: SideFacts['kind'] | undefined
  readonly dtype: Dtype
  readonly savedFrom: SideFacts['savedFrom'] | undefined
  readonly fileShape: readonly number[]
  readonly shape: readonly number[]
}

/** All of a measured pair that is no measurement: the same for nearly every token, and kept once. */
export interface PairShape {
  readonly golden: SideShape
  readonly dump: SideShape
  readonly notes: readonly string[]
  readonly cut: Pick<VocabCut, 'goldenColumns' | 'dumpColumns'> | undefined
}

/** The dictionary of the pair shapes of a comparison: a record holds a number in it. */
export class PairShapes {
  private readonly shapes: PairShape[] = []
  private readonly numbers = new Map<string, number>()
  private latest = 0

  at(number: number): PairShape {
    return this.shapes[number]!
  }

  first(count: number): readonly PairShape[] {
    return this.shapes.slice(0, count)
  }

  /** The number of an outcome's shape; a new one if there was none like it. */
  numberOf(outcome: MeasuredOutcome): number {
    const latest = this.shapes[this.latest]
    if (latest && hasShape(outcome, latest)) return this.latest
    const shape = shapeOf(outcome)
    const key = JSON.stringify(shape)
    this.latest = this.numbers.get(key) ?? this.shapes.push(shape) - 1
    this.numbers.set(key, this.latest)
    return this.latest
  }
}

/** In frozen arrays: many tokens share them. */
function shapeOf({ golden, dump, notes, cut }: MeasuredOutcome): PairShape {
  return {
    golden: sideShape(golden),
    dump: sideShape(dump),
    notes: Object.freeze([...notes]),
    cut: cut && { goldenColumns: cut.goldenColumns, dumpColumns: cut.dumpColumns },
  }
}

function sideShape({ kind, dtype, savedFrom, fileShape, shape }: SideFacts): SideShape {
  const [inFile, compared] = [Object.freeze([...fileShape!]), Object.freeze([...shape!])]
  return { kind, dtype: dtype!, savedFrom, fileShape: inFile, shape: compared }
}

export function hasShape({ golden, dump, notes, cut }: MeasuredOutcome, shape: PairShape): boolean {
  return (
    hasSideShape(golden, shape.golden) &&
    hasSideShape(dump, shape.dump) &&
    areEqual(notes, shape.notes) &&
    cut?.goldenColumns === shape.cut?.goldenColumns &&
    cut?.dumpColumns === shape.cut?.dumpColumns
  )
}

function hasSideShape(side: SideFacts, { kind, dtype, savedFrom, fileShape, shape }: SideShape): boolean {
  return (
    side.kind === kind &&
    side.dtype === dtype &&
    side.savedFrom === savedFrom &&
    areEqual(side.fileShape!, fileShape) &&
    areEqual(side.shape!, shape)
  )
}

function areEqual<T>(a: readonly T[], b: readonly T[]): boolean {
  return a === b || (a.length === b.length && a.every((item, i) => item === b[i]))
}
