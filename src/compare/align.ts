import type { Dump, DumpStep } from '../dumps/types.js'
import { GoldenLogitsError, printable } from '../errors.js'
import { type List, listOf } from '../lib/lazy-list.js'
import { type Note, warning } from '../lib/note.js'
import type { PairList, StepPair } from '../measure/step-pair.js'
import type { CompareSettings } from './options.js'
import { PairNotes, pairSteps } from './pair-steps.js'
import { StepRanges, stepRanges } from './step-ranges.js'

interface Alignment {
  /** Every requested step that one side or both have, ascending. */
  pairs: PairList
  notes: Note[]
}

/**
 * Pairs the two sides step by step; a step of one side alone stays as a pair of one.
 * @throws GoldenLogitsError `nothing-to-compare` if no requested step is on either side, or a listed one is on neither
 */
export function align(dump: Dump, golden: Dump, settings: CompareSettings): Alignment {
  if (isOneFile(dump) && isOneFile(golden) && settings.listed.length === 0 && settings.wants(firstStep(golden).step)) {
    return pairFiles(dump, golden, settings)
  }
  const sides = [ascending('golden', golden), ascending('dump', dump)] as const
  const seen = new PairNotes(settings.range?.from ?? 0)
  const pairs = pairSteps(...sides, settings.wants, (pair) => seen.see(pair))
  const absent = absentSteps(pairs, settings)
  if (absent.length > 0 || pairs.length === 0) throw noSuchStep(dump, golden, sides, absent)
  const gaps = settings.listed.length > 0 ? [] : seen.gapNotes()
  const shifts = shiftNotes(dump, golden, pairs)
  return { pairs, notes: [...gaps, ...rangeNotes(pairs, settings), ...shifts, ...seen.sameNotes(settings)] }
}

/**
 * The steps of a side, from the lowest on.
 * @throws GoldenLogitsError `invalid-argument` for steps that no dump from `loadDump` has: one would hide another
 */
function ascending(side: string, { path, steps }: Dump): List<DumpStep> {
  // A caller may change an array later, which must not change the tokens that are still to be made.
  const fixed = Array.isArray(steps) ? [...(steps as readonly DumpStep[])] : steps
  if (isAscending(fixed)) return fixed
  const sorted = [...fixed].sort((a, b) => a?.step - b?.step)
  let before: DumpStep | undefined
  for (const step of sorted) {
    const number = step?.step
    if (!Number.isSafeInteger(number) || number < 0) {
      const value = printable(String(number), 40)
      const message = `a step of the ${side} has the number ${value}, expected a whole number from 0`
      throw new GoldenLogitsError('invalid-argument', message, { file: path })
    }
    if (number === before?.step) {
      const names = [before, step].flatMap(({ files }) => files.slice(0, 1)).map((file) => printable(file, 200))
      const where = names.length === 2 ? ` (${names.join(' and ')}); take one of the files away` : ''
      throw new GoldenLogitsError('invalid-argument', `the ${side} has token ${number} twice${where}`, { file: path })
    }
    before = step
  }
  return sorted
}

function isAscending(steps: List<DumpStep>): boolean {
  let before = -1
  for (const step of steps) {
    const number = step?.step
    if (!Number.isSafeInteger(number) || number <= before) return false
    before = number
  }
  return true
}

function absentSteps(pairs: List<StepPair>, { listed }: CompareSettings): number[] {
  if (listed.length === 0) return []
  const steps = new Set(Array.from(pairs, ({ step }) => step))
  return listed.filter((step) => !steps.has(step))
}

/** Two files that the caller named belong together, even if the numbers of their folders differ. */
function isOneFile({ named, steps }: Dump): boolean {
  return named === 'file' && steps.length === 1
}

function firstStep({ steps }: Dump): DumpStep {
  return steps.at(0)!
}

function pairFiles(dump: Dump, golden: Dump, settings: CompareSettings): Alignment {
  const [g, d] = [firstStep(golden), firstStep(dump)]
  const text = `two files were named, so they are compared as one token: golden token ${g.step} with dump token ${d.step}`
  const settle = "give both the same number by loadDump's option firstStep"
  const notes = g.step === d.step ? [] : [warning(text, settle)]
  const pair = { step: g.step, golden: g, dump: d }
  const seen = new PairNotes(undefined)
  seen.see(pair)
  const pairs = { ...listOf(1, () => pair), whole: [0] }
  return { pairs, notes: [...notes, ...rangeNotes(pairs, settings), ...seen.sameNotes(settings)] }
}

function noSuchStep(
  dump: Dump,
  golden: Dump,
  sides: readonly [List<DumpStep>, List<DumpStep>],
  absent: readonly number[],
): GoldenLogitsError {
  const all = new StepRanges()
  pairSteps(
    ...sides,
    () => true,
    ({ step }) => all.add(step),
  )
  const problem = absent.length > 0 ? `neither side has ${stepRanges(absent)}` : 'no step is within the requested range'
  const held = all.length > 0 ? `the two sides have ${all}` : 'both sides are empty'
  return new GoldenLogitsError('nothing-to-compare', `${problem}; ${held} (golden ${printable(golden.path, 200)})`, {
    file: dump.path,
  })
}

/** A range that ends beyond both sides may have been meant for longer runs: an end that was never reached is said. */
function rangeNotes(pairs: List<StepPair>, { range }: CompareSettings): Note[] {
  const last = pairs.at(pairs.length - 1)!.step
  if (range?.to === undefined || range.to <= last) return []
  const from = range.from === 0 ? '' : `from: ${range.from}, `
  const text = `the option steps ends at token ${range.to}, but neither side has a token after ${last}`
  return [warning(text, `set steps: { ${from}to: ${last} }`)]
}

/** Steps that were assumed and do not line up are likely shifted against each other: name the option that helps. */
function shiftNotes(dump: Dump, golden: Dump, pairs: List<StepPair>): Note[] {
  // Steps that are missing between others would still be missing after a shift.
  const ends = [pairs.at(0)!, pairs.at(pairs.length - 1)!]
  if (ends.every((pair) => pair.golden && pair.dump)) return []
  return Object.entries({ dump, golden }).flatMap(([name, side]) => {
    if (!side.stepsAssumed) return []
    const first = firstStep(side).step
    const assumed = `the steps of the ${name} are assumed (its first is taken for token ${first})`
    const loader = side.layout === 'memory' ? 'logitsOf' : 'loadDump'
    const settle = `set ${loader}'s option firstStep: ${first}; if it is wrong, the right number`
    return [warning(`the steps do not line up, and ${assumed}`, settle)]
  })
}

/**
 * The dump of a comparison that needs every requested step on this side, as a snapshot does.
 * @throws GoldenLogitsError `nothing-to-compare` if none of the requested steps is in the dump, or a listed one is not
 */
export function requireSteps({ path, steps }: Dump, { wants, listed }: CompareSettings): void {
  const missing = new Set(listed)
  let some = false
  for (const { step } of steps) {
    if (!wants(step)) continue
    some = true
    missing.delete(step)
  }
  if (!some)
    throw new GoldenLogitsError('nothing-to-compare', 'none of the requested steps is in the dump', { file: path })
  if (missing.size === 0) return
  const message = `the dump does not have ${stepRanges(missing)}, which the option steps lists`
  throw new GoldenLogitsError('nothing-to-compare', message, { file: path })
}
