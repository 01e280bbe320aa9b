import { basename, dirname, join } from 'node:path'
import { firstOf } from '../../../lib/lazy-list.js'
import type { IgnoredPaths } from '../../ignored-paths.js'
import { joinRanks, RankSteps } from '../../ranks.js'
import { type FolderLayout, type LayoutScan, onlyLayerNote, refuseStatistics, type ScanContext } from '../layout.js'
import { type DeviceSelection, isNamed, namesLayers } from '../selection.js'
import { Executions } from './executions.js'
import { headOutput, pickHeads, ranksWithHead } from './heads.js'
import { planSteps, type StepRun } from './plan.js'

const OUTPUT = 'outtensor0.bin'

/**
 * ATB layout: `{TID}/{id}_{OpName}/after/outtensor0.bin`, where `{TID}` counts executions. With two heads, the lower id is
 * the prefill head: the run starts at the last execution that contains it. This execution holds steps 0 and 1, and each
 * later execution one more step. With one head, execution n is step n unless the run's topology says otherwise.
 */
export const atb: FolderLayout = {
  kind: 'folders',
  name: 'atb',
  examples: [
    'msit_dump_*/tensors/{device}_{PID}/{TID}/{id}_{op}/after/outtensor0.bin',
    'atb_dump_data/data/{device}_{PID}/{TID}/{id}_{op}/after/outtensor0.bin',
  ],
  detect: ({ name, kind }) => kind === 'folder' && (name === 'after' || name === 'before'),
  // Only the first output of an operation can be logits. Another file that the caller names is a bare file.
  layerOf: (file) =>
    basename(file) === OUTPUT && basename(dirname(file)) === 'after' ? dirname(dirname(file)) : undefined,
  logitsOf: (layer) => join(layer, 'after', OUTPUT),
  logitsInside: (folder, names) =>
    basename(folder) === 'after' && firstOf(names, ({ name }) => name === OUTPUT) ? join(folder, OUTPUT) : undefined,
  scan: scanAtb,
}

function scanAtb(selections: readonly DeviceSelection[], { path, options, ignored }: ScanContext): LayoutScan {
  const all = selections.map((selection) => new Executions(selection, ignored))
  const ranks = ranksWithHead(all, options.layer)
  for (const rank of all) if (!ranks.includes(rank)) ignored.add(rank.selection.folder, 'a rank without logits')
  const layerSets = ranks.map((rank) => rank.layerSets())
  const { heads, read, unnamed } = pickHeads(path, layerSets, options.layer)
  const { runs, notes, assumed, decodeOnly = false } = planSteps(path, ranks, heads, options)
  const readRuns = runs.filter(({ head }) => read.includes(head))
  const rankSteps = ranks.map((rank, i) => {
    const holdsHead = layerSets[i]!.some((layers) => heads.some((head) => layers.has(head)))
    return stepsOfRank(rank, holdsHead || rank.unreadable ? readRuns : [])
  })
  const steps = joinRanks(rankSteps, ignored)
  refuseStatistics(steps, `after/${OUTPUT}`, path)
  for (const rank of ranks) listUnused(rank, read, readRuns, ignored)
  // Layers that the path names are read under any name.
  const isGuess = unnamed !== undefined && !selections.some(namesLayers)
  return { steps, notes: isGuess ? [onlyLayerNote(unnamed), ...notes] : notes, stepsAssumed: assumed, decodeOnly }
}

function stepsOfRank(executions: Executions, runs: readonly StepRun[]): RankSteps {
  const { selection, tids } = executions
  const steps = new RankSteps(selection.folder)
  for (const { head, from, to, shift } of runs) {
    for (let i = 0; i < executions.length; i++) {
      const tid = tids.at(i)!
      if (tid < from || tid > to) continue
      const execution = executions.at(i)
      const step = headOutput(execution, head)
      if (isNamed(selection, tid, step.file ?? join(execution.folder, step.layer))) steps.add(tid + shift, tid, step)
    }
  }
  return steps
}

/** Lists the head outputs that are no step (of a warm-up or of a later run) as ignored, so that every logits file is accounted for. */
function listUnused(
  executions: Executions,
  heads: readonly number[],
  runs: readonly StepRun[],
  ignored: IgnoredPaths,
): void {
  const start = Math.min(...runs.map((run) => run.from))
  for (let i = 0; i < executions.length; i++) {
    const tid = executions.tids.at(i)!
    const layers = executions.layersAt(i)
    const used = (head: number) => runs.some((run) => run.head === head && tid >= run.from && tid <= run.to)
    const reason = tid < start ? 'warm-up: an execution before the run starts' : 'an execution of a later run'
    if (executions.problemAt(i) !== undefined && !heads.some(used)) ignored.add(executions.at(i).folder, reason)
    for (const head of heads) {
      if (!layers.has(head) || used(head)) continue
      const execution = executions.at(i)
      const { file } = headOutput(execution, head)
      if (file !== undefined) ignored.add(file, reason, execution.folder)
    }
  }
}
