import { basename } from 'node:path'
import { type List, listOf } from '../lib/lazy-list.js'
import type { IgnoredPaths } from './ignored-paths.js'
import type { StepParts } from './step-parts.js'
import type { DumpStep } from './types.js'
import { unionOf } from './union.js'

/** What a layout says of a run. */
export interface LayoutScan {
  steps: List<DumpStep>
  notes: string[]
  stepsAssumed: boolean
}

/**
 * Joins the ranks of a run, given in numeric device order, into steps. A step that one rank lacks stays, with the reason:
 * a part of the vocabulary is gone. A rank without any step (a pipeline stage without the head) is ignored and listed.
 */
export function joinRanks(ranks: readonly StepParts[], ignored: IgnoredPaths): List<DumpStep> {
  const used = ranks.filter(({ length }) => length > 0)
  if (used.length > 0) {
    for (const { device, length } of ranks) if (length === 0) ignored.add(device, 'a rank without logits')
  }
  const [only, ...others] = used
  if (only && others.length === 0) return listOf(only.length, (index) => only.stepAt(index))
  const steps = unionOf(used.map(({ steps }) => steps))
  return listOf(steps.length, (index) => joinStep(steps.at(index)!, index, used))
}

function joinStep(step: number, index: number, ranks: readonly StepParts[]): DumpStep {
  const files: string[] = []
  const problems: string[] = []
  let layer = ''
  for (const parts of ranks) {
    const part = parts.find(step, index)
    layer ||= part?.layer ?? ''
    if (part?.file !== undefined) files.push(part.file)
    else problems.push(part?.problem ?? `rank ${basename(parts.device)} has no step ${step}, the others have`)
  }
  return problems.length === 0 ? { step, files, layer } : { step, files, layer, problem: problems.join('; ') }
}
