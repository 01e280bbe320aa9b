import { basename, dirname, join } from 'node:path'
import { tryListFolder } from '../../io/folder.js'
import { compareNames } from '../../io/name-order.js'
import { parseTensor, TABLE, type TensorName } from '../layouts/msprobe/names.js'
import { smallJson } from '../module-tree.js'
import { byRole } from './name-order.js'
import type { Layer, StepLayers } from './types.js'

/** A table lists some 1.5 kB a module and call. A larger one is skipped: it costs too much for the order of the layers. */
const MAX_TABLE = 64 * 1024 * 1024

/**
 * The layers of one forward pass in `dump_tensor_data/`, where each file is an input or output of one call.
 * @param head the file of the logits, `Module.lm_head.Linear.forward.{call}.output.0.pt`
 */
export function msprobeLayers(head: string): StepLayers {
  const folder = dirname(head)
  const { entries } = tryListFolder(folder)
  const modules = new Map<string, Module>()
  const ignored: string[] = []
  for (const { name } of entries) {
    const tensor = parseTensor(name)
    if (!tensor) ignored.push(name)
    else addTo(modules, tensor, join(folder, name))
  }
  const { module, call } = parseTensor(basename(head))!
  const passes = callsOf(modules.get(module)!)
  const pass = { index: passes.indexOf(call), count: passes.length }
  const places = placesIn(join(dirname(folder), TABLE))
  const found = [...modules.values()].flatMap((one) => layersOf(one, pass))
  const isRecorded = found.every(({ key }) => places.has(key))
  found.sort((a, b) => (isRecorded ? places.get(a.key)! - places.get(b.key)! : byRole(a.layer.name, b.layer.name)))
  return { folder, layers: found.map(({ layer }) => layer), order: isRecorded ? 'recorded' : 'by name', ignored }
}

/** A module or function, and the files of its calls. */
interface Module {
  /** `model.layers.0.mlp`; `Functional.silu` for a function. */
  readonly name: string
  readonly type: string
  readonly calls: Map<number, Call>
}

interface Call {
  /** Its name in the table: `Module.lm_head.Linear.forward.0` */
  readonly key: string
  readonly outputs: string[]
  readonly inputs: string[]
}

function addTo(modules: Map<string, Module>, { module, layer, type, call, key, side }: TensorName, file: string): void {
  const entry = modules.get(module) ?? { name: layer, type, calls: new Map<number, Call>() }
  modules.set(module, entry)
  const files = entry.calls.get(call) ?? { key, outputs: [], inputs: [] }
  entry.calls.set(call, files)
  files[side].push(file)
}

function callsOf({ calls }: Module): number[] {
  return [...calls.keys()].sort((a, b) => a - b)
}

/**
 * A module's calls in one forward pass: as many in each pass. The second is named as in the torch layout, `shared@1`.
 * @param pass which call of the LM head this is, of how many
 */
function layersOf(
  module: Module,
  pass: { readonly index: number; readonly count: number },
): { key: string; layer: Layer }[] {
  const { name, type, calls } = module
  const all = callsOf(module)
  const perPass = all.length / pass.count
  if (!Number.isInteger(perPass)) {
    const problem = `it was called ${all.length} times in ${pass.count} forward passes, so its calls cannot be distinguished`
    return [{ key: calls.get(all[0]!)!.key, layer: { name, type, outputs: [], inputs: [], problem } }]
  }
  return all.slice(pass.index * perPass, (pass.index + 1) * perPass).map((call, i) => {
    const { key, outputs, inputs } = calls.get(call)!
    const sorted = { outputs: [...outputs].sort(compareNames), inputs: [...inputs].sort(compareNames) }
    return { key, layer: { name: i === 0 ? name : `${name}@${i}`, type, ...sorted } }
  })
}

/** The place of each call in `dump.json`, which lists them as they ended; none if it is not there, or not such a table. */
function placesIn(table: string): Map<string, number> {
  const data: unknown = (smallJson(table, MAX_TABLE) as { data?: unknown } | undefined)?.data
  const keys = typeof data === 'object' && data !== null ? Object.keys(data) : []
  return new Map(keys.map((key, i) => [key, i]))
}
