import { relative, sep } from 'node:path'
import { type Execution, headIds, headOutput, listExecutions } from './atb-executions.js'
import { readTopology } from './atb-topology.js'
import type { DeviceSelection } from './locate.js'
import { joinRanks, type LayoutScan, type StepPart } from './rank-steps.js'
import type { DumpStep, IgnoredPath, LoadDumpOptions } from './types.js'

/** Which execution and head hold which step. */
interface StepPlan {
  step: number
  tid: number
  head: number
}

interface Plan {
  steps: StepPlan[]
  notes: string[]
  /** True where the step numbers rest on an assumption. */
  assumed: boolean
}

/**
 * ATB layout: `{TID}/{id}_{OpName}/after/outtensor0.bin`, where `{TID}` counts executions. With two heads the lower id is
 * the prefill's: the run starts at the last execution in which it occurs, that one holds step 0 and step 1, and each
 * later execution one step more. With one head, execution n is step n unless the run's topology says otherwise.
 */
export function scanAtb(path: string, ranks: readonly DeviceSelection[], options: LoadDumpOptions): LayoutScan {
  const ignored: IgnoredPath[] = []
  const scanned = ranks.map((selection) => ({ selection, executions: listExecutions(selection, ignored) }))
  const all = scanned.flatMap(({ executions }) => executions)
  const heads = headIds(path, all, options.layer)
  const withHeads = scanned.filter(({ executions }) => executions.some((e) => heads.some((id) => e.layers.has(id))))
  const plan = heads.length === 2 ? planTwoHeads(all, heads, options) : planOneHead(all, heads[0]!, ranks, options)

  const byRank = scanned.map(({ selection, executions }) => ({
    selection,
    parts: withHeads.some((r) => r.selection === selection) ? partsOf(executions, plan) : new Map<number, StepPart>(),
  }))
  const steps = joinRanks(byRank, ignored)
  for (const { executions } of withHeads) listUnused(executions, heads, plan, ignored)
  return {
    steps: steps.filter((step) => isWanted(step, ranks, plan)),
    notes: plan.notes,
    ignored,
    stepsAssumed: plan.assumed,
  }
}

function planTwoHeads(executions: readonly Execution[], [prefill, decoder]: number[], options: LoadDumpOptions): Plan {
  const tids = sortedTids(executions)
  const start = Math.max(...executions.filter((e) => e.layers.has(prefill!)).map((e) => e.tid))
  const base = options.firstStep ?? 0
  const steps: StepPlan[] = [{ step: base, tid: start, head: prefill! }]
  for (const tid of tids) {
    // An execution of the run without the decoder's head keeps its step, as one that cannot be read.
    if (tid > start || hasHead(executions, start, decoder!)) {
      if (tid >= start) steps.push({ step: base + tid - start + 1, tid, head: decoder! })
    }
  }
  const notes: string[] = []
  const warmUp = tids.filter((tid) => tid < start)
  if (warmUp.length > 0) {
    const which = warmUp.length === 1 ? `execution ${warmUp[0]}` : `executions ${warmUp[0]} to ${warmUp.at(-1)}`
    notes.push(
      `${which} taken for a warm-up: the prefill head ${prefill} last occurs in execution ${start}, where the run is read from`,
    )
  }
  return { steps, notes, assumed: false }
}

function planOneHead(
  executions: readonly Execution[],
  head: number,
  ranks: readonly DeviceSelection[],
  options: LoadDumpOptions,
): Plan {
  const tids = sortedTids(executions)
  const { models, heads } = readTopology(ranks[0]!.folder)
  if (heads.length === 2 && head === heads[0]) {
    const last = tids.at(-1)!
    const notes = [`only the prefill head ${head} was dumped: step 0 alone is compared, from execution ${last}`]
    return { steps: [{ step: options.firstStep ?? 0, tid: last, head }], notes, assumed: tids.length > 1 }
  }
  const decoderOnly = heads.length === 2 ? head === heads[1] : models === 2 && heads.length === 0
  const first = tids[0]!
  const shift = options.firstStep !== undefined ? options.firstStep - first : decoderOnly ? 1 : 0
  const notes: string[] = []
  if (options.firstStep !== undefined)
    notes.push(`firstStep ${options.firstStep}: execution ${first} is step ${options.firstStep}`)
  else if (decoderOnly)
    notes.push(
      `only the decoder's head ${head} was dumped: execution n taken for step n + 1; if there was a warm-up, set firstStep`,
    )
  return {
    steps: tids.map((tid) => ({ step: tid + shift, tid, head })),
    notes,
    assumed: options.firstStep === undefined,
  }
}

function sortedTids(executions: readonly Execution[]): number[] {
  return [...new Set(executions.map((e) => e.tid))].sort((a, b) => a - b)
}

function hasHead(executions: readonly Execution[], tid: number, head: number): boolean {
  return executions.some((e) => e.tid === tid && e.layers.has(head))
}

function partsOf(executions: readonly Execution[], plan: Plan): Map<number, StepPart> {
  const byTid = new Map(executions.map((e) => [e.tid, e]))
  const parts = new Map<number, StepPart>()
  for (const { step, tid, head } of plan.steps) {
    const execution = byTid.get(tid)
    if (execution) parts.set(step, headOutput(execution, head))
  }
  return parts
}

/** Heads that the plan gave no step (a warm-up's) are listed, so that no file of logits goes unaccounted. */
function listUnused(
  executions: readonly Execution[],
  heads: readonly number[],
  plan: Plan,
  ignored: IgnoredPath[],
): void {
  const used = new Set(plan.steps.map(({ tid, head }) => `${tid}/${head}`))
  for (const execution of executions) {
    for (const head of heads) {
      if (!execution.layers.has(head) || used.has(`${execution.tid}/${head}`)) continue
      const { file } = headOutput(execution, head)
      if (file !== undefined) ignored.push({ path: file, reason: 'warm-up: an execution before the run starts' })
    }
  }
}

/** Is the step one that the caller's path names? A path to the device folder or above names every step. */
function isWanted(step: DumpStep, ranks: readonly DeviceSelection[], plan: Plan): boolean {
  const planned = plan.steps.find((p) => p.step === step.step)!
  return ranks.some(({ tids, within }) => {
    if (tids && !tids.has(planned.tid)) return false
    return (
      !within ||
      step.files.some((file) =>
        within.some((path) => !relative(path, file).startsWith(`..${sep}`) && relative(path, file) !== '..'),
      )
    )
  })
}
