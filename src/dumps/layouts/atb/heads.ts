import { dirname, join } from 'node:path'
import { GoldenLogitsError, printable } from '../../../errors.js'
import { kindOf, tryListFolder } from '../../../io/folder.js'
import type { RankStep } from '../../ranks.js'
import { STATISTICS_ADVICE, STATISTICS_NAME } from '../layout.js'
import { isHeadName } from '../names.js'
import type { Execution, Layers } from './executions.js'

/** The ids of the run's LM heads, ascending, at most two: prefill and decoder, or one for both. */
export interface LayerHeads {
  heads: readonly number[]
  /** The heads to read: all, or the one that the option `layer` names. */
  read: readonly number[]
  /** The heads as the option `layer` would name them, if their names do not show that they are heads. */
  unnamed?: string
}

/**
 * Finds the heads among the layers of a dump.
 * @param sets the layers of each distinct execution; if an id occurs twice, its last layer is used
 * @param option the option `layer`: a folder's name, its operation, or its id
 * @throws GoldenLogitsError `ambiguous-layer` if neither the names nor the number of the layers decide
 */
export function pickHeads(path: string, sets: readonly Layers[], option: string | undefined): LayerHeads {
  const layers = new Map(sets.flatMap((set) => [...set]))
  const all = [...layers.keys()].sort((a, b) => a - b)
  const named = all.filter((id) => isHeadName(layers.get(id)!.op))
  const matches = all.filter((id) => {
    const { name, op } = layers.get(id)!
    return option === undefined ? isHeadName(op) : name === option || op === option || String(id) === option
  })
  if (matches.length === 1 || matches.length === 2) {
    // The option names one of two heads: the other is still needed to find the start of the run.
    const heads = named.length === 2 && matches.every((id) => named.includes(id)) ? named : matches
    return { heads, read: matches }
  }
  // A dump of selected layers (`-ids`) contains only the heads, under any name.
  const [first, second] = all.map((id) => layers.get(id)!)
  if (option === undefined && all.length === 1) return { heads: all, read: all, unnamed: first!.name }
  if (option === undefined && all.length === 2 && first!.op === second!.op) {
    return { heads: all, read: all, unnamed: first!.op }
  }
  if (all.length === 0) {
    const message = 'its executions hold no layer folder; its name would be {id}_{OpName}, such as 33_LmHead'
    throw new GoldenLogitsError('ambiguous-layer', message, { file: path })
  }
  const some = (matches.length > 0 ? matches : all).slice(0, 4).map((id) => printable(layers.get(id)!.name, 40))
  const what = option === undefined ? 'named like an LM head' : `matching layer: '${printable(option)}'`
  const message = `holds ${all.length} layers, ${matches.length} of them ${what} (${some.join(', ')}…)`
  throw new GoldenLogitsError('ambiguous-layer', `${message}; name the head with the option layer`, { file: path })
}

/** The output file of an execution's head, or the reason why it is missing. */
export function headOutput(execution: Execution, head: number): RankStep {
  const layer = execution.layers.get(head)
  if (!layer)
    return { layer: '', problem: execution.problem ?? `no LM head ${head} in ${printable(execution.folder, 300)}` }
  const file = join(execution.folder, layer.name, 'after', 'outtensor0.bin')
  try {
    if (kindOf(file) !== undefined) return { layer: layer.name, file }
  } catch (error) {
    if (!(error instanceof GoldenLogitsError)) throw error
    return { layer: layer.name, problem: error.message }
  }
  const { entries } = tryListFolder(dirname(file))
  const table = entries.find(({ name }) => STATISTICS_NAME.test(name))
  const advice = table === undefined ? '' : ` (found after/${table.name}): ${STATISTICS_ADVICE}`
  const problem = `no after/outtensor0.bin in ${printable(join(execution.folder, layer.name), 300)}${advice}`
  return { layer: layer.name, problem }
}
