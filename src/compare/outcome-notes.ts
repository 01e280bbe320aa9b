import type { MeasuredPair } from './comparison.js'
import { stepRanges } from './step-ranges.js'

/** What the readers chose or left out, each once with the tokens it is about. */
export function outcomeNotes(measured: readonly MeasuredPair[]): string[] {
  const steps = new Map<string, number[]>()
  for (const { step, outcome } of measured) {
    for (const note of outcome?.notes ?? []) {
      const seen = steps.get(note)
      if (seen) seen.push(step)
      else steps.set(note, [step])
    }
  }
  const notes = [...steps].map(([note, list]) => `${stepRanges(list)}: ${note}`)
  return [...notes, ...cutNotes(measured)]
}

function cutNotes(measured: readonly MeasuredPair[]): string[] {
  const notes: string[] = []
  for (const side of ['golden', 'dump'] as const) {
    let columns = 0
    let mass = 0
    for (const { outcome } of measured) {
      if (outcome?.kind !== 'compared' || !outcome.cut) continue
      columns = Math.max(columns, outcome.cut[`${side}Columns`])
      mass = Math.max(mass, outcome.cut[`${side}Mass`])
    }
    if (columns > 0)
      notes.push(
        `${side}: ${columns} ${columns === 1 ? 'column' : 'columns'} cut by vocabSize, at most ${mass.toPrecision(3)} of a token's probability`,
      )
  }
  return notes
}
