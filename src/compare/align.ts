import type { Dump, DumpStep } from '../dumps/types.js'
import { GoldenLogitsError, shown } from '../errors.js'
import type { CompareSettings } from './options.js'
import { stepRanges } from './step-ranges.js'

/** One step on both sides, or on one of them. */
export interface StepPair {
  readonly step: number
  readonly golden?: DumpStep
  readonly dump?: DumpStep
}

export interface Alignment {
  /** Every step that one side or both hold and the options want, ascending. */
  pairs: StepPair[]
  notes: string[]
}

/**
 * Pairs the two dumps step by step; a step of one side alone stays as a pair of one.
 * @throws GoldenLogitsError `nothing-to-compare` where no wanted step is on either side, or a listed one is on neither
 */
export function align(dump: Dump, golden: Dump, settings: CompareSettings): Alignment {
  if (isOneFile(dump) && isOneFile(golden) && settings.listed.length === 0) return pairFiles(dump, golden)
  const left = new Map(golden.steps.map((step) => [step.step, step]))
  const right = new Map(dump.steps.map((step) => [step.step, step]))
  const held = [...new Set([...left.keys(), ...right.keys()])].sort((a, b) => a - b)
  const steps = held.filter(settings.wants)
  const absent = settings.listed.filter((step) => !left.has(step) && !right.has(step))
  if (absent.length > 0 || steps.length === 0) throw noSuchStep(dump, golden, held, absent)
  const pairs = steps.map((step): StepPair => {
    const [g, d] = [left.get(step), right.get(step)]
    return { step, ...(g && { golden: g }), ...(d && { dump: d }) }
  })
  return { pairs, notes: [...gapNotes(pairs, settings), ...shiftNotes(dump, golden, pairs)] }
}

/** Did the caller name a single file? Two of those are meant for each other, whatever folders they lie in. */
function isOneFile(dump: Dump): boolean {
  return dump.steps.length === 1 && dump.named === 'file'
}

function pairFiles(dump: Dump, golden: Dump): Alignment {
  const [g, d] = [golden.steps[0]!, dump.steps[0]!]
  const notes =
    g.step === d.step
      ? []
      : [`two files were named, so they are compared as one token: golden token ${g.step} with dump token ${d.step}`]
  return { pairs: [{ step: g.step, golden: g, dump: d }], notes }
}

function noSuchStep(dump: Dump, golden: Dump, held: readonly number[], absent: readonly number[]): GoldenLogitsError {
  const wanted = absent.length > 0 ? `neither side holds ${stepRanges(absent)}` : 'no step is within the range of steps'
  const found = held.length > 0 ? `the two sides hold ${stepRanges(held)}` : 'both sides are empty'
  return new GoldenLogitsError('nothing-to-compare', `${wanted}; ${found} (golden ${shown(golden.path, 200)})`, {
    file: dump.path,
  })
}

/** Steps that neither side holds between steps that are held: nothing can be said of them but that. */
function gapNotes(pairs: readonly StepPair[], settings: CompareSettings): string[] {
  if (settings.listed.length > 0) return []
  const notes: string[] = []
  for (let i = 1; i < pairs.length && notes.length < 3; i++) {
    const [from, to] = [pairs[i - 1]!.step + 1, pairs[i]!.step - 1]
    if (from === to) notes.push(`neither side holds token ${from}`)
    else if (from < to) notes.push(`neither side holds tokens ${from} to ${to}`)
  }
  return notes
}

/** Steps that rest on an assumption and do not line up are likely shifted against each other: name the way out. */
function shiftNotes(dump: Dump, golden: Dump, pairs: readonly StepPair[]): string[] {
  const notes: string[] = []
  const whole = pairs.every((pair) => pair.golden && pair.dump)
  for (const [side, { stepsAssumed, steps }] of [['dump', dump] as const, ['golden', golden] as const]) {
    if (whole || !stepsAssumed) continue
    const first = steps[0]!.step
    notes.push(
      `the steps do not line up, and those of the ${side} are an assumption (its first is taken for token ${first}): if that is wrong, set loadDump's option firstStep`,
    )
  }
  return notes
}
