import { basename, dirname, join } from 'node:path'
import { tryListFolder } from '../../io/folder.js'
import { compareNames } from '../../io/name-order.js'
import { groupBy } from '../../lib/group-by.js'
import { parseDumper, parseHook } from '../layouts/sglang/names.js'
import type { Layer, StepLayers } from './types.js'

/** A value of one forward pass on one rank. */
interface Value {
  readonly file: string
  readonly index: number
  /** The layer that it belongs to. */
  readonly layer: string
  readonly side: 'inputs' | 'output'
  readonly key: string
}

/** The layers of the forward pass and rank of a file of SGLang's dumper: modules, and values that were dumped by hand. */
export function sglangLayers(file: string): StepLayers {
  const folder = dirname(file)
  const own = parseDumper(basename(file))!
  const values: Value[] = []
  const ignored: string[] = []
  for (const { name, kind } of tryListFolder(folder).entries) {
    const value = kind === 'file' ? parseDumper(name) : undefined
    if (value?.pass !== own.pass || value.rank !== own.rank) continue
    const place = value.isRecomputed ? undefined : placeOf(value.name, value.layer)
    if (!place) ignored.push(name)
    else values.push({ ...place, file: join(folder, name), index: value.index })
  }
  const layers = [...groupBy(values, ({ layer }) => layer)].map(([name, values]) => layerOf(name, values))
  layers.sort((a, b) => a.end - b.end)
  return { folder, layers: layers.map(({ layer }) => layer), order: 'recorded', ignored }
}

/** Inputs of the model, which the dumper writes by name. They belong to no layer. */
const INPUTS =
  /^(?:input_ids|positions|position_ids|seq_lens|req_pool_indices|rids|cu_seqlens_\w+|qkv_format|grad__.*)$/

function placeOf(name: string, layer: string | undefined): Pick<Value, 'layer' | 'side' | 'key'> | undefined {
  const hook = parseHook(name)
  // What the model itself returns is what a module inside it made.
  if (hook) return hook.module === '' ? undefined : { layer: hook.module, side: hook.side, key: hook.key }
  if (INPUTS.test(name)) return undefined
  return { layer: layer === undefined ? name : `layers.${layer}.${name}`, side: 'output', key: '' }
}

/** @returns the layer, and the number of its last value: a module ends when its output is dumped */
function layerOf(name: string, values: readonly Value[]): { layer: Layer; end: number } {
  const filesOf = (side: Value['side']) =>
    values
      .filter((value) => value.side === side)
      .sort((a, b) => compareNames(a.key, b.key) || a.index - b.index)
      .map(({ file }) => file)
  const end = Math.max(...values.map(({ index }) => index))
  return { layer: { name, outputs: filesOf('output'), inputs: filesOf('inputs') }, end }
}
