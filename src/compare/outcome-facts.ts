import type { Dtype } from '../tensor/dtype.js'
import type { MeasuredPairs } from './comparison.js'
import { addDtypes } from './dtypes.js'
import type { RowForm } from './rows/row-form.js'
import { StepRanges } from './step-ranges.js'

/** What all outcomes of a comparison say together. */
export interface OutcomeFacts {
  /** Of both sides, where both rows were read. */
  readonly dtypes: ReadonlySet<Dtype>
  /** What the readers chose or left out, each once with the tokens it is about, and what was cut. */
  readonly notes: readonly string[]
}

/** One look at every outcome. */
export function outcomeFacts(measured: MeasuredPairs): OutcomeFacts {
  const dtypes = new Set<Dtype>()
  const steps = new Map<string, StepRanges>()
  const cut = { golden: { columns: 0, mass: 0 }, dump: { columns: 0, mass: 0 } }
  let seen: RowForm | undefined
  for (let i = 0; i < measured.length; i++) {
    const plain = measured.plainAt?.(i)
    if (plain) {
      if (plain.form !== seen) addDtypes(dtypes, plain.form)
      seen = plain.form
      continue
    }
    const { step, outcome } = measured.at(i)!
    for (const note of outcome?.notes ?? []) {
      const ranges = steps.get(note) ?? new StepRanges()
      ranges.add(step)
      steps.set(note, ranges)
    }
    if (outcome?.kind !== 'compared') continue
    addDtypes(dtypes, outcome)
    if (!outcome.cut) continue
    for (const side of ['golden', 'dump'] as const) {
      cut[side].columns = Math.max(cut[side].columns, outcome.cut[`${side}Columns`])
      cut[side].mass = Math.max(cut[side].mass, outcome.cut[`${side}Mass`])
    }
  }
  const notes = [...steps].map(([note, ranges]) => `${ranges}: ${note}`)
  return { dtypes, notes: [...notes, ...cutNotes('golden', cut.golden), ...cutNotes('dump', cut.dump)] }
}

function cutNotes(side: string, { columns, mass }: { columns: number; mass: number }): string[] {
  if (columns === 0) return []
  const cut = columns === 1 ? '1 column' : `${columns} columns`
  return [`${side}: ${cut} cut by vocabSize, at most ${mass.toPrecision(3)} of a token's probability`]
}
