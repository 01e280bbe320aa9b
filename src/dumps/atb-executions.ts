import { join } from 'node:path'
import { GoldenLogitsError, shown } from '../errors.js'
import { kindOf, listFolder, tryListFolder } from '../io/folder.js'
import { ignoredAs } from './locate.js'
import { isHeadName, type LayerName, parseAtbLayer, parseTid } from './names.js'
import type { IgnoredPath } from './types.js'

/** The layer folders of one `{TID}` folder, by layer id. */
export interface Execution {
  readonly tid: number
  readonly folder: string
  readonly layers: ReadonlyMap<number, { name: string; op: string }>
  /** Why its layers are not known. */
  readonly problem?: string
}

/** The executions of one rank, in numeric order. */
export function listExecutions(device: string, ignored: IgnoredPath[]): Execution[] {
  const executions: Execution[] = []
  for (const { name, kind } of listFolder(device)) {
    const tid = kind === 'folder' ? parseTid(name) : undefined
    const folder = join(device, name)
    if (tid === undefined) ignored.push({ path: folder, reason: ignoredAs(kind, 'not an execution folder') })
    else executions.push({ tid, folder, ...listLayers(folder, ignored) })
  }
  return executions.sort((a, b) => a.tid - b.tid)
}

function listLayers(execution: string, ignored: IgnoredPath[]): Pick<Execution, 'layers' | 'problem'> {
  const layers = new Map<number, { name: string; op: string }>()
  const { entries, problem } = tryListFolder(execution)
  for (const { name, kind } of entries) {
    const path = join(execution, name)
    const layer: LayerName | undefined = kind === 'folder' ? parseAtbLayer(name) : undefined
    if (!layer) {
      ignored.push({ path, reason: ignoredAs(kind, 'not a layer folder') })
      continue
    }
    const twin = layers.get(layer.id)
    if (twin) {
      const message = `and ${shown(twin.name)} are both layer ${layer.id} of one execution; remove the one that is not of this run`
      throw new GoldenLogitsError('ambiguous-layer', message, { file: path })
    }
    layers.set(layer.id, { name, op: layer.op })
  }
  return { layers, ...(problem !== undefined && { problem }) }
}

/** The ids of the run's LM heads, ascending, at most two: prefill and decoder, or one for both. */
export interface LayerHeads {
  heads: readonly number[]
  /** Those of them to read: all, or the one that the option `layer` names. */
  read: readonly number[]
}

/**
 * Finds the heads among the layers of a dump.
 * @param wanted the option `layer`: a folder's name, its operation, or its id
 * @throws GoldenLogitsError `ambiguous-layer` where names and number of the layers do not tell
 */
export function pickHeads(path: string, executions: readonly Execution[], wanted: string | undefined): LayerHeads {
  const layers = new Map<number, { name: string; op: string }>()
  for (const execution of executions) for (const [id, layer] of execution.layers) layers.set(id, layer)
  const all = [...layers.keys()].sort((a, b) => a - b)
  const named = all.filter((id) => isHeadName(layers.get(id)!.op))
  const fitting = all.filter((id) => {
    const { name, op } = layers.get(id)!
    return wanted === undefined ? isHeadName(op) : name === wanted || op === wanted || String(id) === wanted
  })
  if (fitting.length === 1 || fitting.length === 2) {
    // One of two heads: the other still tells where the run starts.
    const heads = named.length === 2 && fitting.every((id) => named.includes(id)) ? named : fitting
    return { heads, read: fitting }
  }
  // A dump of chosen layers (`-ids`) holds the heads alone, whatever the model calls them.
  if (wanted === undefined && fitting.length === 0 && (all.length === 1 || all.length === 2)) {
    return { heads: all, read: all }
  }
  if (all.length === 0) {
    const message = 'its executions hold no layer folder, which would be named {id}_{OpName}, as 33_LmHead'
    throw new GoldenLogitsError('ambiguous-layer', message, { file: path })
  }
  const some = (fitting.length > 0 ? fitting : all).slice(0, 4).map((id) => shown(layers.get(id)!.name, 40))
  const what = wanted === undefined ? 'named like an LM head' : `fitting layer: '${shown(wanted)}'`
  const found = `holds ${all.length} layers, ${fitting.length} of them ${what} (${some.join(', ')}…)`
  throw new GoldenLogitsError('ambiguous-layer', `${found}; name the head by the option layer`, { file: path })
}

/** The output file of an execution's head, or why there is none. */
export function headOutput(execution: Execution, head: number): { layer: string; file?: string; problem?: string } {
  const layer = execution.layers.get(head)
  if (!layer)
    return { layer: '', problem: execution.problem ?? `no LM head ${head} in ${shown(execution.folder, 300)}` }
  const file = join(execution.folder, layer.name, 'after', 'outtensor0.bin')
  try {
    if (kindOf(file) !== undefined) return { layer: layer.name, file }
  } catch (error) {
    if (!(error instanceof GoldenLogitsError)) throw error
    return { layer: layer.name, problem: error.message }
  }
  return { layer: layer.name, problem: `no after/outtensor0.bin in ${shown(join(execution.folder, layer.name), 300)}` }
}
