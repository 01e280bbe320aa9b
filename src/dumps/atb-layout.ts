import { join } from 'node:path'
import { type Execution, headOutput, type LayerHeads, listExecutions, pickHeads } from './atb-executions.js'
import { readTopology } from './atb-topology.js'
import { joinRanks, type LayoutScan, type StepPart } from './rank-steps.js'
import { type DeviceSelection, isNamed } from './selection.js'
import type { IgnoredPath, LoadDumpOptions } from './types.js'

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

/** What the ranks of a run hold together: in which executions a head occurs. */
interface Held {
  /** Ascending. */
  tids: readonly number[]
  byHead: ReadonlyMap<number, ReadonlySet<number>>
}

/**
 * ATB layout: `{TID}/{id}_{OpName}/after/outtensor0.bin`, where `{TID}` counts executions. With two heads the lower id is
 * the prefill's: the run starts at the last execution in which it occurs, that one holds step 0 and step 1, and each
 * later execution one step more. With one head, execution n is step n unless the run's topology says otherwise.
 */
export function scanAtb(path: string, ranks: readonly DeviceSelection[], options: LoadDumpOptions): LayoutScan {
  const ignored: IgnoredPath[] = []
  const scanned = ranks.map((selection) => ({ selection, executions: listExecutions(selection.folder, ignored) }))
  const all = scanned.flatMap(({ executions }) => executions)
  const { heads, read }: LayerHeads = pickHeads(path, all, options.layer)
  const held = heldBy(all, heads)
  const [prefill, decoder] = heads
  const plan =
    decoder === undefined
      ? planOneHead(held, prefill!, ranks[0]!.folder, options)
      : planTwoHeads(held, prefill!, decoder, options)
  const steps = plan.steps.filter(({ head }) => read.includes(head))

  const byRank = scanned.map(({ selection, executions }) => ({
    selection,
    parts: holdsAny(executions, heads) ? partsOf(selection, executions, steps) : new Map<number, StepPart>(),
  }))
  const joined = joinRanks(byRank, ignored)
  listUnused(all, read, steps, ignored)
  return { steps: joined, notes: plan.notes, ignored, stepsAssumed: plan.assumed }
}

function heldBy(executions: readonly Execution[], heads: readonly number[]): Held {
  const byHead = new Map(heads.map((head) => [head, new Set<number>()]))
  for (const { tid, layers } of executions) for (const head of heads) if (layers.has(head)) byHead.get(head)!.add(tid)
  return { tids: [...new Set(executions.map(({ tid }) => tid))].sort((a, b) => a - b), byHead }
}

function holdsAny(executions: readonly Execution[], heads: readonly number[]): boolean {
  return executions.some(({ layers }) => heads.some((head) => layers.has(head)))
}

function planTwoHeads({ tids, byHead }: Held, prefill: number, decoder: number, options: LoadDumpOptions): Plan {
  const [prefills, decodes] = [byHead.get(prefill)!, byHead.get(decoder)!]
  const start = tids.findLast((tid) => prefills.has(tid))!
  const base = options.firstStep ?? 0
  const run = tids.filter((tid) => tid >= start)
  const steps: StepPlan[] = [{ step: base, tid: start, head: prefill }]
  for (const tid of run) {
    // An execution of the run without the decoder's head keeps its step, as one that cannot be read. The first one is
    // without it where one token was generated and no other.
    if (decodes.has(tid) || run.length > 1) steps.push({ step: base + tid - start + 1, tid, head: decoder })
  }
  const notes: string[] = []
  const before = tids.filter((tid) => tid < start)
  if (before.length > 0) {
    const which = before.length === 1 ? `execution ${before[0]}` : `executions ${before[0]} to ${before.at(-1)}`
    notes.push(
      `${which} taken for a warm-up: the prefill head ${prefill} last occurs in execution ${start}, where the run is read from`,
    )
  }
  if (options.firstStep !== undefined)
    notes.push(`firstStep ${base}: the prefill of execution ${start} is step ${base}`)
  return { steps, notes, assumed: false }
}

function planOneHead({ tids }: Held, head: number, device: string, options: LoadDumpOptions): Plan {
  const { models, heads } = readTopology(device)
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

function partsOf(
  selection: DeviceSelection,
  executions: readonly Execution[],
  steps: readonly StepPlan[],
): Map<number, StepPart> {
  const byTid = new Map(executions.map((e) => [e.tid, e]))
  const parts = new Map<number, StepPart>()
  for (const { step, tid, head } of steps) {
    const execution = byTid.get(tid)
    if (!execution) continue
    const part = headOutput(execution, head)
    if (isNamed(selection, tid, part.file ?? join(execution.folder, part.layer))) parts.set(step, part)
  }
  return parts
}

/** Heads that the plan gave no step (a warm-up's) are listed, so that no file of logits goes unaccounted. */
function listUnused(
  executions: readonly Execution[],
  heads: readonly number[],
  steps: readonly StepPlan[],
  ignored: IgnoredPath[],
): void {
  const used = new Set(steps.map(({ tid, head }) => `${tid}/${head}`))
  for (const execution of executions) {
    for (const head of heads) {
      if (!execution.layers.has(head) || used.has(`${execution.tid}/${head}`)) continue
      const { file } = headOutput(execution, head)
      if (file !== undefined) ignored.push({ path: file, reason: 'warm-up: an execution before the run starts' })
    }
  }
}
