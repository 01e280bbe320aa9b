import { join } from 'node:path'
import { GoldenLogitsError, shown } from '../errors.js'
import { kindOf, listFolder } from '../io/folder.js'
import type { DeviceSelection } from './locate.js'
import { isHeadName, type LayerName, parseAtbLayer, parseTid } from './names.js'
import type { IgnoredPath } from './types.js'

/** The layer folders of one `{TID}` folder, by layer id. */
export interface Execution {
  readonly tid: number
  readonly folder: string
  readonly layers: ReadonlyMap<number, { name: string; op: string }>
}

/** The executions of one rank, in numeric order. */
export function listExecutions(selection: DeviceSelection, ignored: IgnoredPath[]): Execution[] {
  const executions: Execution[] = []
  for (const { name, kind } of listFolder(selection.folder)) {
    const tid = kind === 'folder' ? parseTid(name) : undefined
    const folder = join(selection.folder, name)
    if (tid === undefined) ignored.push({ path: folder, reason: 'not an execution folder' })
    else executions.push({ tid, folder, layers: listLayers(folder, ignored) })
  }
  return executions.sort((a, b) => a.tid - b.tid)
}

function listLayers(execution: string, ignored: IgnoredPath[]): Map<number, { name: string; op: string }> {
  const layers = new Map<number, { name: string; op: string }>()
  for (const { name, kind } of listFolder(execution)) {
    const path = join(execution, name)
    const layer: LayerName | undefined = kind === 'folder' ? parseAtbLayer(name) : undefined
    if (!layer) {
      ignored.push({ path, reason: 'not a layer folder' })
      continue
    }
    const twin = layers.get(layer.id)
    if (twin) {
      const message = `and ${shown(twin.name)} are both layer ${layer.id} of one execution; remove the one that is not of this run`
      throw new GoldenLogitsError('ambiguous-layer', message, { file: path })
    }
    layers.set(layer.id, { name, op: layer.op })
  }
  return layers
}

/**
 * The ids of the LM heads in the dump, ascending: one, or two where prefill and decoder are models of their own.
 * @throws GoldenLogitsError `ambiguous-layer` where names and number of the layers do not tell
 */
export function headIds(path: string, executions: readonly Execution[], wanted: string | undefined): number[] {
  const ids = new Map<number, { name: string; op: string }>()
  for (const { layers } of executions) for (const [id, layer] of layers) ids.set(id, layer)
  const all = [...ids.keys()].sort((a, b) => a - b)
  const fits = ({ name, op }: { name: string; op: string }) =>
    wanted === undefined ? isHeadName(op) : name === wanted || op === wanted
  const named = all.filter((id) => fits(ids.get(id)!) || String(id) === wanted)
  if (named.length === 1 || named.length === 2) return named
  // A dump of chosen layers (`-ids`) holds the heads alone, whatever the model calls them.
  if (named.length === 0 && wanted === undefined && all.length <= 2) return all
  const some = (named.length > 0 ? named : all).slice(0, 4).map((id) => shown(ids.get(id)!.name, 40))
  const found = `holds ${all.length} layers, ${named.length} of them ${wanted === undefined ? 'named like an LM head' : `fitting layer: '${shown(wanted)}'`}`
  throw new GoldenLogitsError('ambiguous-layer', `${found} (${some.join(', ')}…); name the head by the option layer`, {
    file: path,
  })
}

/** The output file of an execution's head, or why there is none. */
export function headOutput(execution: Execution, head: number): { layer: string; file?: string; problem?: string } {
  const layer = execution.layers.get(head)
  if (!layer) return { layer: '', problem: `no LM head ${head} in ${shown(execution.folder, 300)}` }
  const file = join(execution.folder, layer.name, 'after', 'outtensor0.bin')
  if (kindOf(file) !== undefined) return { layer: layer.name, file }
  return { layer: layer.name, problem: `no after/outtensor0.bin in ${shown(join(execution.folder, layer.name), 300)}` }
}
