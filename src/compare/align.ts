import type { Dump, DumpStep } from '../dumps/types.js'
import { GoldenLogitsError, shown } from '../errors.js'
import { type List, listOf } from '../list.js'
import type { CompareSettings } from './options.js'
import { StepRanges, stepRanges } from './step-ranges.js'

/** One step on both sides, or on one of them. */
export interface StepPair {
  readonly step: number
  readonly golden?: DumpStep
  readonly dump?: DumpStep
}

export interface Alignment {
  /** Every step that one side or both hold and the options want, ascending. */
  pairs: List<StepPair>
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
  const sides = [ascending('golden', golden), ascending('dump', dump)] as const
  const pairs = wantedPairs(sides, settings)
  const absent = absentSteps(pairs, settings)
  if (absent.length > 0 || pairs.length === 0) throw noSuchStep(dump, golden, paired(...sides), absent)
  return { pairs, notes: [...gapNotes(pairs, settings), ...shiftNotes(dump, golden, pairs), ...sameNotes(pairs)] }
}

/**
 * The steps of a dump, from the lowest on.
 * @throws GoldenLogitsError `invalid-argument` for steps that no dump from `loadDump` holds: one would hide another
 */
function ascending(side: string, { path, steps }: Dump): readonly DumpStep[] {
  if (isAscending(steps)) return steps
  const found = new Set<number>()
  for (const step of steps) {
    const number = step?.step
    if (!isStepNumber(number)) {
      const message = `a step of the ${side} has the number ${shown(String(number), 40)}, expected a whole number from 0`
      throw new GoldenLogitsError('invalid-argument', message, { file: path })
    }
    if (found.has(number)) {
      throw new GoldenLogitsError('invalid-argument', `the ${side} holds token ${number} twice`, { file: path })
    }
    found.add(number)
  }
  return [...steps].sort((a, b) => a.step - b.step)
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

/** Every step of one side or both, ascending. */
function* paired(golden: readonly DumpStep[], dump: readonly DumpStep[]): Iterable<StepPair> {
  for (let [g, d] = [0, 0]; g < golden.length || d < dump.length; ) {
    const left = golden[g]
    const right = dump[d]
    const step = Math.min(left?.step ?? Number.POSITIVE_INFINITY, right?.step ?? Number.POSITIVE_INFINITY)
    const pair = pairOf(step, left?.step === step ? left : undefined, right?.step === step ? right : undefined)
    if (pair.golden) g++
    if (pair.dump) d++
    yield pair
  }
}

function pairOf(step: number, golden: DumpStep | undefined, dump: DumpStep | undefined): StepPair {
  if (golden && dump) return { step, golden, dump }
  return golden ? { step, golden } : { step, dump: dump! }
}

/** Two columns of steps take a fraction of what a million pairs would. */
function wantedPairs(
  sides: readonly [readonly DumpStep[], readonly DumpStep[]],
  settings: CompareSettings,
): List<StepPair> {
  const golden: (DumpStep | undefined)[] = []
  const dump: (DumpStep | undefined)[] = []
  for (const pair of paired(...sides)) {
    if (!settings.wants(pair.step)) continue
    golden.push(pair.golden)
    dump.push(pair.dump)
  }
  return listOf(golden.length, (i) => pairOf((golden[i] ?? dump[i])!.step, golden[i], dump[i]))
}

function absentSteps(pairs: List<StepPair>, { listed }: CompareSettings): number[] {
  if (listed.length === 0) return []
  const held = new Set(Array.from(pairs, ({ step }) => step))
  return listed.filter((step) => !held.has(step))
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
  const pairs = listOf(1, () => ({ step: g.step, golden: g, dump: d }))
  return { pairs, notes: [...notes, ...sameNotes(pairs)] }
}

/** A dump against itself passes whatever it holds: hardly what the caller meant. */
function sameNotes(pairs: List<StepPair>): string[] {
  const same = new StepRanges()
  for (const { step, golden, dump } of pairs) {
    if (dump?.files.some((file) => golden?.files.includes(file))) same.add(step)
  }
  return same.length === 0 ? [] : [`${same}: golden and dump are the same file`]
}

function noSuchStep(dump: Dump, golden: Dump, all: Iterable<StepPair>, absent: readonly number[]): GoldenLogitsError {
  const held = new StepRanges()
  for (const { step } of all) held.add(step)
  const wanted = absent.length > 0 ? `neither side holds ${stepRanges(absent)}` : 'no step is within the range of steps'
  const found = held.length > 0 ? `the two sides hold ${held}` : 'both sides are empty'
  return new GoldenLogitsError('nothing-to-compare', `${wanted}; ${found} (golden ${shown(golden.path, 200)})`, {
    file: dump.path,
  })
}

/** Steps that neither side holds before or between steps that are held: nothing can be said of them but that. */
function gapNotes(pairs: List<StepPair>, settings: CompareSettings): string[] {
  if (settings.listed.length > 0) return []
  // One more than are told.
  const gaps: string[] = []
  let tokens = 0
  let next = settings.wants(0) ? 0 : pairs.at(0)!.step
  for (const { step } of pairs) {
    if (step > next && gaps.length < 6) gaps.push(step === next + 1 ? `${next}` : `${next} to ${step - 1}`)
    tokens += step - next
    next = step + 1
  }
  if (gaps.length === 0) return []
  const more = gaps.length > 5 ? ` and others, ${tokens} in all` : ''
  return [`neither side holds ${tokens === 1 ? 'token' : 'tokens'} ${gaps.slice(0, 5).join(', ')}${more}`]
}

/** Steps that rest on an assumption and do not line up are likely shifted against each other: name the way out. */
function shiftNotes(dump: Dump, golden: Dump, pairs: List<StepPair>): string[] {
  const notes: string[] = []
  // What is missing between steps that are there would still be missing after a shift.
  const ends = [pairs.at(0)!, pairs.at(pairs.length - 1)!]
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
