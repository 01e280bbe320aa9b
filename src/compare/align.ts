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
  if (isOneFile(dump) && isOneFile(golden) && settings.listed.length === 0 && settings.wants(golden.steps[0]!.step)) {
    return pairFiles(dump, golden)
  }
  const [left, right] = [byStep('golden', golden), byStep('dump', dump)]
  const held = [...new Set([...left.keys(), ...right.keys()])].sort((a, b) => a - b)
  const steps = held.filter(settings.wants)
  const absent = settings.listed.filter((step) => !left.has(step) && !right.has(step))
  if (absent.length > 0 || steps.length === 0) throw noSuchStep(dump, golden, held, absent)
  const pairs = steps.map((step): StepPair => {
    const [g, d] = [left.get(step), right.get(step)]
    return { step, ...(g && { golden: g }), ...(d && { dump: d }) }
  })
  return { pairs, notes: [...gapNotes(pairs, settings), ...shiftNotes(dump, golden, pairs), ...sameNotes(pairs)] }
}

/** @throws GoldenLogitsError `invalid-argument` for steps that no dump from `loadDump` holds: one would hide another */
function byStep(side: string, { path, steps }: Dump): Map<number, DumpStep> {
  const found = new Map<number, DumpStep>()
  for (const step of steps) {
    const number = step?.step
    if (!(Number.isSafeInteger(number) && number >= 0)) {
      const message = `a step of the ${side} has the number ${shown(String(number), 40)}, expected a whole number from 0`
      throw new GoldenLogitsError('invalid-argument', message, { file: path })
    }
    if (found.has(number)) {
      throw new GoldenLogitsError('invalid-argument', `the ${side} holds token ${number} twice`, { file: path })
    }
    found.set(number, step)
  }
  return found
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
  const pairs = [{ step: g.step, golden: g, dump: d }]
  return { pairs, notes: [...notes, ...sameNotes(pairs)] }
}

/** A dump against itself passes whatever it holds: hardly what the caller meant. */
function sameNotes(pairs: readonly StepPair[]): string[] {
  const same = pairs.filter(({ golden, dump }) => dump?.files.some((file) => golden?.files.includes(file)))
  return same.length === 0 ? [] : [`${stepRanges(same.map(({ step }) => step))}: golden and dump are the same file`]
}

function noSuchStep(dump: Dump, golden: Dump, held: readonly number[], absent: readonly number[]): GoldenLogitsError {
  const wanted = absent.length > 0 ? `neither side holds ${stepRanges(absent)}` : 'no step is within the range of steps'
  const found = held.length > 0 ? `the two sides hold ${stepRanges(held)}` : 'both sides are empty'
  return new GoldenLogitsError('nothing-to-compare', `${wanted}; ${found} (golden ${shown(golden.path, 200)})`, {
    file: dump.path,
  })
}

/** Steps that neither side holds before or between steps that are held: nothing can be said of them but that. */
function gapNotes(pairs: readonly StepPair[], settings: CompareSettings): string[] {
  if (settings.listed.length > 0) return []
  const gaps: string[] = []
  let tokens = 0
  let next = settings.wants(0) ? 0 : pairs[0]!.step
  for (const { step } of pairs) {
    if (step > next) gaps.push(step === next + 1 ? `${next}` : `${next} to ${step - 1}`)
    tokens += step - next
    next = step + 1
  }
  if (gaps.length === 0) return []
  const more = gaps.length > 5 ? ` and others, ${tokens} in all` : ''
  return [`neither side holds ${tokens === 1 ? 'token' : 'tokens'} ${gaps.slice(0, 5).join(', ')}${more}`]
}

/** Steps that rest on an assumption and do not line up are likely shifted against each other: name the way out. */
function shiftNotes(dump: Dump, golden: Dump, pairs: readonly StepPair[]): string[] {
  const notes: string[] = []
  // What is missing between steps that are there would still be missing after a shift.
  const ends = [pairs[0]!, pairs.at(-1)!]
  const flush = ends.every((pair) => pair.golden && pair.dump)
  for (const [side, { stepsAssumed, steps }] of [['dump', dump] as const, ['golden', golden] as const]) {
    if (flush || !stepsAssumed) continue
    const first = steps[0]!.step
    notes.push(
      `the steps do not line up, and those of the ${side} are an assumption (its first is taken for token ${first}): if that is wrong, set loadDump's option firstStep`,
    )
  }
  return notes
}
