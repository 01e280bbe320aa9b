import { listedSteps, stepsOf } from '../dumps/step-list.js'
import type { Dump, DumpStep } from '../dumps/types.js'
import { GoldenLogitsError, printable } from '../errors.js'
import { type List, listOf } from '../lib/lazy-list.js'
import type { CompareSettings } from './options.js'
import { PairNotes } from './pair-notes.js'
import { type PairList, pairSteps, type StepPair } from './step-pairs.js'
import { StepRanges, stepRanges } from './step-ranges.js'

export interface Alignment {
  /** Every step that one side or both hold and the options want, ascending. */
  pairs: PairList
  notes: string[]
}

/**
 * Pairs the two dumps step by step; a step of one side alone stays as a pair of one.
 * @throws GoldenLogitsError `nothing-to-compare` where no wanted step is on either side, or a listed one is on neither
 */
export function align(dump: Dump, golden: Dump, settings: CompareSettings): Alignment {
  if (isOneFile(dump) && isOneFile(golden) && settings.listed.length === 0 && settings.wants(firstStep(golden).step)) {
    return pairFiles(dump, golden)
  }
  const sides = [ascending('golden', golden), ascending('dump', dump)] as const
  const seen = new PairNotes(settings.wants(0) ? 0 : undefined)
  const pairs = pairSteps(...sides, settings.wants, (pair) => seen.see(pair))
  const absent = absentSteps(pairs, settings)
  if (absent.length > 0 || pairs.length === 0) throw noSuchStep(dump, golden, sides, absent)
  const gaps = settings.listed.length > 0 ? [] : seen.gapNotes()
  return { pairs, notes: [...gaps, ...shiftNotes(dump, golden, pairs), ...seen.sameNotes()] }
}

/**
 * The steps of a dump, from the lowest on.
 * @throws GoldenLogitsError `invalid-argument` for steps that no dump from `loadDump` holds: one would hide another
 */
function ascending(side: string, dump: Dump): List<DumpStep> {
  const known = listedSteps(dump)
  if (known) return known
  // A copy: what the caller does to the array later must not change the tokens that are still to be made.
  const steps = [...dump.steps]
  if (isAscending(steps)) return steps
  const found = new Set<number>()
  for (const step of steps) {
    const number = step?.step
    if (!isStepNumber(number)) {
      const message = `a step of the ${side} has the number ${printable(String(number), 40)}, expected a whole number from 0`
      throw new GoldenLogitsError('invalid-argument', message, { file: dump.path })
    }
    if (found.has(number)) {
      throw new GoldenLogitsError('invalid-argument', `the ${side} holds token ${number} twice`, { file: dump.path })
    }
    found.add(number)
  }
  return steps.sort((a, b) => a.step - b.step)
}

function isAscending(steps: readonly DumpStep[]): boolean {
  let before = -1
  for (const step of steps) {
    const number = step?.step
    if (!isStepNumber(number) || number <= before) return false
    before = number
  }
  return true
}

function isStepNumber(number: number): boolean {
  return Number.isSafeInteger(number) && number >= 0
}

function absentSteps(pairs: List<StepPair>, { listed }: CompareSettings): number[] {
  if (listed.length === 0) return []
  const held = new Set(Array.from(pairs, ({ step }) => step))
  return listed.filter((step) => !held.has(step))
}

/** Did the caller name a single file? Two of those are meant for each other, whatever folders they lie in. */
function isOneFile(dump: Dump): boolean {
  return dump.named === 'file' && stepsOf(dump).length === 1
}

function firstStep(dump: Dump): DumpStep {
  return stepsOf(dump).at(0)!
}

function pairFiles(dump: Dump, golden: Dump): Alignment {
  const [g, d] = [firstStep(golden), firstStep(dump)]
  const notes =
    g.step === d.step
      ? []
      : [`two files were named, so they are compared as one token: golden token ${g.step} with dump token ${d.step}`]
  const pair = { step: g.step, golden: g, dump: d }
  const seen = new PairNotes(undefined)
  seen.see(pair)
  return { pairs: { ...listOf(1, () => pair), whole: [0] }, notes: [...notes, ...seen.sameNotes()] }
}

function noSuchStep(
  dump: Dump,
  golden: Dump,
  sides: readonly [List<DumpStep>, List<DumpStep>],
  absent: readonly number[],
): GoldenLogitsError {
  const held = new StepRanges()
  pairSteps(
    ...sides,
    () => true,
    ({ step }) => held.add(step),
  )
  const wanted = absent.length > 0 ? `neither side holds ${stepRanges(absent)}` : 'no step is within the range of steps'
  const found = held.length > 0 ? `the two sides hold ${held}` : 'both sides are empty'
  return new GoldenLogitsError('nothing-to-compare', `${wanted}; ${found} (golden ${printable(golden.path, 200)})`, {
    file: dump.path,
  })
}

/** Steps that rest on an assumption and do not line up are likely shifted against each other: name the way out. */
function shiftNotes(dump: Dump, golden: Dump, pairs: List<StepPair>): string[] {
  const notes: string[] = []
  // What is missing between steps that are there would still be missing after a shift.
  const ends = [pairs.at(0)!, pairs.at(pairs.length - 1)!]
  const flush = ends.every((pair) => pair.golden && pair.dump)
  for (const [side, one] of [['dump', dump] as const, ['golden', golden] as const]) {
    if (flush || !one.stepsAssumed) continue
    notes.push(
      `the steps do not line up, and those of the ${side} are an assumption (its first is taken for token ${firstStep(one).step}): if that is wrong, set loadDump's option firstStep`,
    )
  }
  return notes
}
