import { basename, dirname, join } from 'node:path'
import { at, type Json, listAt, readJson } from '../../formats/json.js'
import { resolveBudgets } from '../../io/budgets.js'
import { withFile } from '../../io/file-source.js'
import { tryListFolder } from '../../io/folder.js'
import { compareNames } from '../../io/name-order.js'
import { groupBy } from '../../lib/group-by.js'
import { tryRead } from '../../lib/try-read.js'
import { type DebuggerName, parseDebugger, treeName } from '../layouts/transformers/names.js'
import { byRole } from './name-order.js'
import type { Layer, StepLayers } from './types.js'

interface Value extends DebuggerName {
  readonly file: string
}

/**
 * The modules of a folder of Hugging Face's model debugger, which records outputs of the innermost modules alone. Their order
 * is that of the tree of calls, unless the debugger pruned it.
 */
export function transformersLayers(file: string): StepLayers {
  const folder = dirname(file)
  const { model } = parseDebugger(basename(file))!
  const values: Value[] = []
  for (const { name, kind } of tryListFolder(folder).entries) {
    const value = kind === 'file' ? parseDebugger(name) : undefined
    if (value?.model === model && value.module !== '') values.push({ ...value, file: join(folder, name) })
  }
  const layers = [...groupBy(values, ({ module }) => module)]
    .map(([name, values]) => layerOf(name, values))
    .filter(({ outputs }) => outputs.length > 0)
  const order = tryRead(() => callsIn(join(folder, treeName(model)), model)) ?? new Map<string, number>()
  const isRecorded = layers.every(({ name }) => order.has(name))
  layers.sort((a, b) => (isRecorded ? order.get(a.name)! - order.get(b.name)! : byRole(a.name, b.name)))
  return { folder, layers, order: isRecorded ? 'recorded' : 'by name', ignored: [] }
}

function layerOf(name: string, values: readonly Value[]): Layer {
  const filesOf = (side: Value['side']) =>
    values
      .filter((value) => value.side === side)
      .sort((a, b) => compareNames(a.key, b.key))
      .map(({ file }) => file)
  return { name, outputs: filesOf('outputs'), inputs: filesOf('inputs') }
}

/** By module, when it ended: a module after what it contains. Nothing but names is taken from the tree. */
function callsIn(file: string, model: string): ReadonlyMap<string, number> {
  const budgets = resolveBudgets()
  const order = new Map<string, number>()
  let ended = 0
  const open: { node: Json; isEntered: boolean }[] = withFile(
    file,
    (source) => readJson(source, budgets) ?? [],
    budgets,
  ).map((node) => ({ node, isEntered: false }))
  for (let next = open.pop(); next; next = open.pop()) {
    const { node, isEntered } = next
    const path = at(node, 'module_path')
    if (isEntered) {
      if (typeof path === 'string' && path.startsWith(`${model}.`)) order.set(path.slice(model.length + 1), ended++)
      continue
    }
    open.push({ node, isEntered: true })
    for (const child of (listAt(node, 'children') ?? []).toReversed()) open.push({ node: child, isEntered: false })
  }
  return order
}
