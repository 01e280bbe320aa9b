import type { MeasuredRows } from '../../metrics/types.js'
import type { Dtype } from '../../tensor/dtype.js'
import type { ColumnCut } from '../column-cut.js'
import type { PairOutcome } from '../measure-pair.js'
import type { TokenSide } from '../types.js'

export interface SideForm {
  readonly dtype: Dtype
  readonly fileShape: readonly number[]
  readonly shape: readonly number[]
}

/** All of a measured pair that is no measurement: mostly the same for every token, and kept once. */
export interface RowForm {
  readonly golden: SideForm
  readonly dump: SideForm
  readonly notes: readonly string[]
  readonly cut: Pick<ColumnCut, 'goldenColumns' | 'dumpColumns'> | undefined
}

/** Both rows read, and every metric measured. */
export type MeasuredOutcome = PairOutcome & { kind: 'compared'; rows: MeasuredRows; cut?: ColumnCut }

export function isMeasured(outcome: PairOutcome): outcome is MeasuredOutcome {
  return outcome.kind === 'compared' && outcome.rows.kind === 'measured'
}

/** The form of an outcome, in arrays of its own, which many tokens share. */
export function formOf({ golden, dump, notes, cut }: MeasuredOutcome): RowForm {
  return {
    golden: sideForm(golden),
    dump: sideForm(dump),
    notes: Object.freeze([...notes]),
    cut: cut && { goldenColumns: cut.goldenColumns, dumpColumns: cut.dumpColumns },
  }
}

function sideForm({ dtype, fileShape, shape }: TokenSide): SideForm {
  return { dtype: dtype!, fileShape: Object.freeze([...fileShape!]), shape: Object.freeze([...shape!]) }
}

export function hasForm({ golden, dump, notes, cut }: MeasuredOutcome, form: RowForm): boolean {
  return (
    isSideOf(golden, form.golden) &&
    isSideOf(dump, form.dump) &&
    areEqual(notes, form.notes) &&
    cut?.goldenColumns === form.cut?.goldenColumns &&
    cut?.dumpColumns === form.cut?.dumpColumns
  )
}

function isSideOf(side: TokenSide, { dtype, fileShape, shape }: SideForm): boolean {
  return side.dtype === dtype && areEqual(side.fileShape!, fileShape) && areEqual(side.shape!, shape)
}

function areEqual<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i])
}

/** The forms of a comparison's rows, by number. */
export class RowForms {
  private readonly forms: RowForm[] = []
  private readonly numbers = new Map<string, number>()
  private latest = 0

  at(number: number): RowForm {
    return this.forms[number]!
  }

  /** The first so many. */
  first(count: number): readonly RowForm[] {
    return this.forms.slice(0, count)
  }

  /** The number of an outcome's form, which is new where there was none like it. */
  numberOf(outcome: MeasuredOutcome): number {
    const latest = this.forms[this.latest]
    if (latest && hasForm(outcome, latest)) return this.latest
    const form = formOf(outcome)
    const key = JSON.stringify(form)
    this.latest = this.numbers.get(key) ?? this.forms.push(form) - 1
    this.numbers.set(key, this.latest)
    return this.latest
  }
}
