import type { List } from '../../../lib/lazy-list.js'
import { mergeAscending } from '../../ranks.js'
import type { LoadDumpOptions } from '../../types.js'
import type { Executions } from './executions.js'
import { readTopology } from './topology.js'

/** Consecutive executions in which the same head emits one step each: execution `tid` holds step `tid + shift`. */
export interface StepRun {
  readonly head: number
  readonly from: number
  readonly to: number
  readonly shift: number
}

export interface Plan {
  /** In ascending order of steps. */
  runs: StepRun[]
  notes: string[]
  /** True if the step numbers rest on an assumption. */
  assumed: boolean
}

/** Decides which execution and which head hold which step. @param heads ascending, one or two */
export function planSteps(ranks: readonly Executions[], heads: readonly number[], options: LoadDumpOptions): Plan {
  const tids = mergeAscending(ranks.map((rank) => rank.tids))
  const [prefill, decoder] = heads
  return decoder === undefined
    ? planOneHead(tids, prefill!, ranks[0]!.selection.folder, options)
    : planTwoHeads(tids, ranks, prefill!, decoder, options)
}

function planTwoHeads(
  tids: List<number>,
  ranks: readonly Executions[],
  prefill: number,
  decoder: number,
  options: LoadDumpOptions,
): Plan {
  const last = tids.at(tids.length - 1)!
  const start = Math.max(...ranks.map((rank) => lastWith(rank, prefill)))
  const base = options.firstStep ?? 0
  const runs: StepRun[] = [{ head: prefill, from: start, to: start, shift: base - start }]
  // An execution without the decoder's head keeps its step, as an unreadable one. The first execution has no decoder head
  // if only one token was generated.
  if (start < last || ranks.some((rank) => lastWith(rank, decoder) === start)) {
    runs.push({ head: decoder, from: start, to: last, shift: base - start + 1 })
  }
  const notes: string[] = []
  const first = tids.at(0)!
  if (first < start) {
    let before = first
    for (const tid of tids) if (tid < start) before = tid
    const which = before === first ? `execution ${first}` : `executions ${first} to ${before}`
    notes.push(
      `${which} taken for a warm-up: the prefill head ${prefill} last occurs in execution ${start}; the run is read from there`,
    )
  }
  if (options.firstStep !== undefined)
    notes.push(`firstStep ${base}: the prefill of execution ${start} is step ${base}`)
  return { runs, notes, assumed: false }
}

/** The last execution that contains a head, -1 if none does. */
function lastWith(executions: Executions, head: number): number {
  for (let i = executions.length - 1; i >= 0; i--) {
    if (executions.layersAt(i).has(head)) return executions.tids.at(i)!
  }
  return -1
}

function planOneHead(tids: List<number>, head: number, device: string, options: LoadDumpOptions): Plan {
  const { models, heads } = readTopology(device)
  const [first, last] = [tids.at(0)!, tids.at(tids.length - 1)!]
  if (heads.length === 2 && head === heads[0]) {
    const notes = [`only the prefill head ${head} was dumped: step 0 alone is compared, from execution ${last}`]
    const shift = (options.firstStep ?? 0) - last
    return {
      runs: [{ head, from: last, to: last, shift }],
      notes,
      assumed: tids.length > 1 && options.firstStep === undefined,
    }
  }
  const decoderOnly = heads.length === 2 ? head === heads[1] : models === 2 && heads.length === 0
  const shift = options.firstStep !== undefined ? options.firstStep - first : decoderOnly ? 1 : 0
  const notes: string[] = []
  if (options.firstStep !== undefined)
    notes.push(`firstStep ${options.firstStep}: execution ${first} is step ${options.firstStep}`)
  else if (decoderOnly)
    notes.push(
      `only the decoder's head ${head} was dumped: execution n taken for step n + 1; if there was a warm-up, set firstStep`,
    )
  return { runs: [{ head, from: first, to: last, shift }], notes, assumed: options.firstStep === undefined }
}
