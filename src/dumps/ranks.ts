import { basename, join, sep } from 'node:path'
import { printable } from '../errors.js'
import { NumberColumn } from '../io/number-column.js'
import { digitsOf } from '../io/numbered-text.js'
import { type List, listOf } from '../lib/lazy-list.js'
import { DictionaryColumn } from './columns.js'
import type { IgnoredPaths } from './ignored-paths.js'
import type { DumpStep } from './types.js'

/** The logits file of one rank at one step. */
export interface RankStep {
  readonly layer: string
  /** Absent if the step has no file; `problem` gives the reason. */
  readonly file?: string
  readonly problem?: string
}

/** What steps share: `file` is relative to the `{TID}` folder, which a NUL in `problem` stands for. */
interface StepTemplate {
  readonly content: RankStep
  /** The step minus the number of its folder. */
  readonly shift: number
}

/** The steps of one rank, ascending. Most steps differ only by the number of their folder, so the rest is kept once. */
export class RankSteps {
  readonly device: string
  readonly steps = new NumberColumn()
  private readonly templates = new DictionaryColumn<StepTemplate>()
  private readonly prefix: string

  constructor(device: string) {
    this.device = device
    this.prefix = join(device, sep)
  }

  get length(): number {
    return this.steps.length
  }

  add(step: number, tid: number, { layer, file, problem }: RankStep): void {
    const folder = this.folderOf(tid)
    const relativeFile = file?.slice(folder.length)
    const text = problem?.replace(printable(folder, Number.POSITIVE_INFINITY), '\0')
    const shift = step - tid
    const key = `${shift}\0${layer}\0${relativeFile ?? '\0'}\0${text ?? ''}`
    this.steps.push(step)
    this.templates.push(key, () => ({ content: { layer, file: relativeFile, problem: text }, shift }))
  }

  /** The step at an index, for a run of this rank alone. */
  stepAt(index: number): DumpStep {
    const { layer, file, problem } = this.rankStepAt(index)
    const step = this.steps.at(index)!
    return file === undefined ? { step, files: [], layer, problem: problem! } : { step, files: [file], layer }
  }

  /** @param guess the index at which the step most likely is */
  find(step: number, guess: number): RankStep | undefined {
    const index = this.steps.at(guess) === step ? guess : binarySearch(this.steps, step)
    return index === undefined ? undefined : this.rankStepAt(index)
  }

  private rankStepAt(index: number): RankStep {
    const { content, shift } = this.templates.at(index)!
    const folder = this.folderOf(this.steps.at(index)! - shift)
    const { layer, file, problem } = content
    if (file !== undefined) return { layer, file: folder + file }
    return { layer, problem: problem!.replace('\0', () => printable(folder, Number.POSITIVE_INFINITY)) }
  }

  private folderOf(tid: number): string {
    return this.prefix + digitsOf(tid)
  }
}

/**
 * Joins the ranks of a run, given in numeric device order, into steps. A step that is missing in one rank stays, with
 * the reason, because a part of the vocabulary is missing. A rank without steps (a pipeline stage without the head) is
 * listed as ignored.
 */
export function joinRanks(ranks: readonly RankSteps[], ignored: IgnoredPaths): List<DumpStep> {
  const used = ranks.filter(({ length }) => length > 0)
  if (used.length > 0) {
    for (const { device, length } of ranks) if (length === 0) ignored.add(device, 'a rank without logits')
  }
  const [only, ...others] = used
  if (only && others.length === 0) return listOf(only.length, (index) => only.stepAt(index))
  const steps = mergeAscending(used.map((rank) => rank.steps))
  return listOf(steps.length, (index) => joinStep(steps.at(index)!, index, used))
}

function joinStep(step: number, index: number, ranks: readonly RankSteps[]): DumpStep {
  const files: string[] = []
  const problems: string[] = []
  let layer = ''
  for (const rank of ranks) {
    const rankStep = rank.find(step, index)
    layer ||= rankStep?.layer ?? ''
    if (rankStep?.file !== undefined) files.push(rankStep.file)
    else problems.push(rankStep?.problem ?? `rank ${basename(rank.device)} has no step ${step}, the others have`)
  }
  return problems.length === 0 ? { step, files, layer } : { step, files, layer, problem: problems.join('; ') }
}

/** The union of ascending lists, ascending and without duplicates. */
export function mergeAscending(lists: readonly List<number>[]): List<number> {
  if (lists.length === 1) return lists[0]!
  const union = new NumberColumn()
  const positions = lists.map(() => 0)
  for (;;) {
    let least = Number.POSITIVE_INFINITY
    for (const [i, list] of lists.entries()) least = Math.min(least, list.at(positions[i]!) ?? least)
    if (least === Number.POSITIVE_INFINITY) return union
    union.push(least)
    for (const [i, list] of lists.entries()) if (list.at(positions[i]!) === least) positions[i]!++
  }
}

/** The index of a number in an ascending column. */
function binarySearch(numbers: NumberColumn, number: number): number | undefined {
  let [from, to] = [0, numbers.length]
  while (from < to) {
    const middle = (from + to) >>> 1
    if (numbers.at(middle)! < number) from = middle + 1
    else to = middle
  }
  return numbers.at(from) === number ? from : undefined
}
