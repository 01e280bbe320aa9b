import { basename, dirname, join } from 'node:path'
import { readBytes } from '../../io/byte-source.js'
import { withFile } from '../../io/file-source.js'
import { kindOf, tryListFolder } from '../../io/folder.js'
import { compareNames } from '../../io/name-order.js'
import { TABLE } from '../layouts/msprobe/names.js'
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

interface TensorName {
  /** The name with the class, without the call. */
  readonly module: string
  readonly name: string
  readonly type: string
  readonly call: number
  readonly key: string
  readonly kind: 'inputs' | 'outputs'
}

/** A module's tensor, `Module.a.b.Linear.forward.0.input.0.pt`, or a function's, `Functional.silu.0.forward.output.0.pt`. */
function parseTensor(file: string): TensorName | undefined {
  const kindNamed = (text: string | undefined) => (text === 'input' ? ('inputs' as const) : ('outputs' as const))
  const module = /^((\w+)\.(.+)\.forward\.(\d{1,15}))\.(input|output)\.[^/]+\.(?:pt|npy)$/.exec(file)
  if (module) {
    const [, key, group, path, call, kind] = module as unknown as [string, string, string, string, string, string]
    // The last part of a module's path is its class. The model itself has no other part.
    const end = path.lastIndexOf('.')
    const [name, type] = end < 0 ? [path, path] : [path.slice(0, end), path.slice(end + 1)]
    const isModule = group === 'Module'
    return {
      module: `${group}.${path}`,
      name: isModule ? name : `${group}.${path}`,
      type,
      call: Number(call),
      key,
      kind: kindNamed(kind),
    }
  }
  const api = /^((\w+\.(.+))\.(\d{1,15})\.forward)\.(input|output)\.[^/]+\.(?:pt|npy)$/.exec(file)
  if (!api) return undefined
  const [, key, name, type, call, kind] = api as unknown as [string, string, string, string, string, string]
  return { module: name, name, type, call: Number(call), key, kind: kindNamed(kind) }
}

function addTo(modules: Map<string, Module>, { module, name, type, call, key, kind }: TensorName, file: string): void {
  const entry = modules.get(module) ?? { name, type, calls: new Map<number, Call>() }
  modules.set(module, entry)
  const files = entry.calls.get(call) ?? { key, outputs: [], inputs: [] }
  entry.calls.set(call, files)
  files[kind].push(file)
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
  if (kindOf(table) !== 'file') return new Map()
  try {
    return withFile(table, (source) => {
      if (source.size > MAX_TABLE) return new Map<string, number>()
      const { data } = JSON.parse(Buffer.from(readBytes(source, 0, source.size)).toString('utf8')) as { data: object }
      return new Map(Object.keys(data).map((key, i) => [key, i]))
    })
  } catch {
    return new Map()
  }
}
