import { basename } from 'node:path'
import type { DeviceSelection } from './selection.js'
import type { DumpStep, IgnoredPath } from './types.js'

/** One rank's logits at one step. */
export interface StepPart {
  readonly layer: string
  /** Absent where `problem` says why there is none. */
  readonly file?: string
  readonly problem?: string
}

/** What a layout says of a run. */
export interface LayoutScan {
  steps: DumpStep[]
  notes: string[]
  ignored: IgnoredPath[]
  stepsAssumed: boolean
}

/**
 * Joins the ranks of a run, given in numeric device order, into steps. A step that one rank lacks stays, with the reason:
 * a part of the vocabulary is gone. A rank without any step (a pipeline stage without the head) is ignored and listed.
 */
export function joinRanks(
  ranks: readonly { selection: DeviceSelection; parts: ReadonlyMap<number, StepPart> }[],
  ignored: IgnoredPath[],
): DumpStep[] {
  const used = ranks.filter(({ parts }) => parts.size > 0)
  if (used.length > 0) {
    for (const { selection, parts } of ranks) {
      if (parts.size === 0) ignored.push({ path: selection.folder, reason: 'a rank without logits' })
    }
  }
  const numbers = [...new Set(used.flatMap(({ parts }) => [...parts.keys()]))].sort((a, b) => a - b)
  return numbers.map((step) => joinStep(step, used))
}

function joinStep(
  step: number,
  ranks: readonly { selection: DeviceSelection; parts: ReadonlyMap<number, StepPart> }[],
): DumpStep {
  const files: string[] = []
  const problems: string[] = []
  let layer = ''
  for (const { selection, parts } of ranks) {
    const part = parts.get(step)
    layer ||= part?.layer ?? ''
    if (part?.file !== undefined) files.push(part.file)
    else problems.push(part?.problem ?? `rank ${basename(selection.folder)} has no step ${step}, the others have`)
  }
  return problems.length === 0 ? { step, files, layer } : { step, files, layer, problem: problems.join('; ') }
}
