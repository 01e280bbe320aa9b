import { join } from 'node:path'
import { Executions } from './atb-executions.js'
import { headOutput, pickHeads } from './atb-heads.js'
import { planSteps, type StepRun } from './atb-plan.js'
import type { IgnoredPaths } from './ignored-paths.js'
import { joinRanks, type LayoutScan } from './rank-steps.js'
import { type DeviceSelection, isNamed } from './selection.js'
import { StepParts } from './step-parts.js'
import type { LoadDumpOptions } from './types.js'

/**
 * ATB layout: `{TID}/{id}_{OpName}/after/outtensor0.bin`, where `{TID}` counts executions. With two heads the lower id is
 * the prefill's: the run starts at the last execution in which it occurs, that one holds step 0 and step 1, and each
 * later execution one step more. With one head, execution n is step n unless the run's topology says otherwise.
 */
export function scanAtb(
  path: string,
  selections: readonly DeviceSelection[],
  options: LoadDumpOptions,
  ignored: IgnoredPaths,
): LayoutScan {
  const ranks = selections.map((selection) => new Executions(selection, ignored))
  const layerSets = ranks.map((rank) => rank.layerSets())
  const { heads, read } = pickHeads(path, layerSets.flat(), options.layer)
  const { runs, notes, assumed } = planSteps(ranks, heads, options)
  const readRuns = runs.filter(({ head }) => read.includes(head))
  const parts = ranks.map((rank, i) => {
    const holdsAny = layerSets[i]!.some((layers) => heads.some((head) => layers.has(head)))
    return partsOf(rank, holdsAny ? readRuns : [])
  })
  const steps = joinRanks(parts, ignored)
  for (const rank of ranks) listUnused(rank, read, readRuns, ignored)
  return { steps, notes, stepsAssumed: assumed }
}

function partsOf(executions: Executions, runs: readonly StepRun[]): StepParts {
  const { selection, tids } = executions
  const parts = new StepParts(selection.folder)
  for (const { head, from, to, shift } of runs) {
    for (let i = 0; i < executions.length; i++) {
      const tid = tids.at(i)!
      if (tid < from || tid > to) continue
      const execution = executions.at(i)
      const part = headOutput(execution, head)
      if (isNamed(selection, tid, part.file ?? join(execution.folder, part.layer))) parts.add(tid + shift, tid, part)
    }
  }
  return parts
}

/** Heads that the plan gave no step (a warm-up's) are listed, so that no file of logits goes unaccounted. */
function listUnused(
  executions: Executions,
  heads: readonly number[],
  runs: readonly StepRun[],
  ignored: IgnoredPaths,
): void {
  for (let i = 0; i < executions.length; i++) {
    const tid = executions.tids.at(i)!
    const layers = executions.layersAt(i)
    const used = (head: number) => runs.some((run) => run.head === head && tid >= run.from && tid <= run.to)
    for (const head of heads) {
      if (!layers.has(head) || used(head)) continue
      const execution = executions.at(i)
      const { file } = headOutput(execution, head)
      if (file !== undefined) ignored.add(file, 'warm-up: an execution before the run starts', execution.folder)
    }
  }
}
