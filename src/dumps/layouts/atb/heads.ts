import { dirname, join } from 'node:path'
import { GoldenLogitsError, printable } from '../../../errors.js'
import { kindOf, tryListFolder } from '../../../io/folder.js'
import { counted } from '../../../lib/number-text.js'
import type { RankStep } from '../../ranks.js'
import { STATISTICS_ADVICE, STATISTICS_NAME } from '../layout.js'
import { isHeadName } from '../names.js'
import type { Execution, Executions, Layer, Layers } from './executions.js'

/** The ids of the run's LM heads, ascending, at most two: prefill and decoder, or one for both. */
interface LayerHeads {
  heads: readonly number[]
  /** The heads to read: all, or the one that the option `layer` names. */
  read: readonly number[]
  /** The heads as the option `layer` would name them, if their names do not show that they are heads. */
  unnamed?: string
}

/**
 * Leaves out ranks of a pipeline without the LM head: each stage numbers its layers from the start, so ids do not show it.
 * A rank without any layer stays: its logits are missing.
 */
export function ranksWithHead(ranks: readonly Executions[], option: string | undefined): readonly Executions[] {
  const layers = ranks.map((rank) => rank.layerSets().flatMap((set) => [...set]))
  const hasHead = layers.map((rank) => rank.some(([id, layer]) => isHead(id, layer, option)))
  return hasHead.includes(true) ? ranks.filter((_, i) => hasHead[i] || layers[i]!.length === 0) : ranks
}

function isHead(id: number, { name, op }: Layer, option: string | undefined): boolean {
  return option === undefined ? isHeadName(op) : name === option || op === option || String(id) === option
}

/**
 * Finds the heads among the layers of a dump.
 * @param ranks for each rank the layers of each distinct execution; if an id occurs twice, its last layer is used
 * @param option the option `layer`: a folder's name, its operation, or its id
 * @throws GoldenLogitsError `ambiguous-layer` if neither the names nor the number of the layers decide
 */
export function pickHeads(path: string, ranks: readonly (readonly Layers[])[], option: string | undefined): LayerHeads {
  const heads = headsOf(path, ranks, option)
  for (const id of heads.heads) refuseOthers(path, id, ranks)
  return heads
}

/** Refuses ranks or executions that hold different layers under the id of a head. */
function refuseOthers(path: string, id: number, ranks: readonly (readonly Layers[])[]): void {
  const layers = new Map(ranks.flat().flatMap((set) => (set.has(id) ? [[set.get(id)!.name, set.get(id)!.op]] : [])))
  if (layers.size < 2 || [...layers.values()].every(isHeadName)) return
  const some = [...layers.keys()].slice(0, 4).map((name) => printable(name, 40))
  const message = `its ranks and executions hold different layers with the id ${id} (${some.join(', ')}); name the head with the option layer (its folder or its operation), or the files in the path or pattern`
  throw new GoldenLogitsError('ambiguous-layer', message, { file: path })
}

function headsOf(path: string, ranks: readonly (readonly Layers[])[], option: string | undefined): LayerHeads {
  const layers = new Map(ranks.flat().flatMap((set) => [...set]))
  const all = [...layers.keys()].sort((a, b) => a - b)
  const named = all.filter((id) => isHeadName(layers.get(id)!.op))
  const matches = all.filter((id) => isHead(id, layers.get(id)!, option))
  if (matches.length === 1 || matches.length === 2) {
    // The option names one of two heads: the other is still needed to find the start of the run.
    const heads = named.length === 2 && matches.every((id) => named.includes(id)) ? named : matches
    return { heads, read: matches }
  }
  // A dump of selected layers (`-ids`) contains only the heads, under any name.
  const [first, second] = all.map((id) => layers.get(id)!)
  if (option === undefined && all.length === 1) return { heads: all, read: all, unnamed: first!.name }
  const areTogether = ranks.some((sets) => all.every((id) => sets.some((set) => set.has(id))))
  if (option === undefined && all.length === 2 && first!.op === second!.op && areTogether) {
    return { heads: all, read: all, unnamed: first!.op }
  }
  if (all.length === 0) {
    const message = 'its executions hold no layer folder; its name would be {id}_{OpName}, such as 33_LmHead'
    throw new GoldenLogitsError('ambiguous-layer', message, { file: path })
  }
  const some = (matches.length > 0 ? matches : all).slice(0, 4).map((id) => printable(layers.get(id)!.name, 40))
  const what = option === undefined ? 'named like an LM head' : `matching layer: '${printable(option)}'`
  const list = `${some.join(', ')}${all.length > some.length ? '…' : ''}`
  const message = `holds ${counted(all.length, 'layer')}, ${matches.length} of them ${what} (${list})`
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
