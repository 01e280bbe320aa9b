import { jsonText } from '../formats/json.js'
import { DEFAULT_BUDGETS } from '../io/budgets.js'
import { withFile } from '../io/file-source.js'
import { kindOf } from '../io/folder.js'

/** A module tree is a list of names. A larger file is skipped: it costs too much for what it says. */
const MAX_BYTES = 8 * 1024 * 1024

/** What a `model_tree.json` says of one module. */
export interface ModuleFacts {
  /** The class: `Linear`. */
  readonly type: string
  /** When each call of the module ended in the first forward pass, from 0; empty if the collector did not record it. */
  readonly order: readonly number[]
  /** Its place in the tree, parents before their children. */
  readonly place: number
}

/** Every module of a tree by name; none if the file is not there or is not such a tree. */
export function readModuleTree(file: string): Map<string, ModuleFacts> {
  const modules = new Map<string, ModuleFacts>()
  const pending: unknown[] = [smallJson(file, MAX_BYTES)]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    const { name, type, order, children } = (node ?? {}) as Record<'name' | 'type' | 'order' | 'children', unknown>
    if (typeof name === 'string' && typeof type === 'string') {
      const place = modules.size
      const isOrder = Array.isArray(order) && order.every((call) => Number.isSafeInteger(call) && call >= 0)
      modules.set(name, { type: type.slice(0, 200), place, order: isOrder ? (order as number[]) : [] })
    }
    if (Array.isArray(children)) for (let i = children.length - 1; i >= 0; i--) pending.push(children[i])
  }
  return modules
}

/**
 * The value in a file of JSON; undefined if there is no such file, it is larger than `maxBytes`, or has more values than a list of
 * names of that size, or is not JSON.
 */
export function smallJson(file: string, maxBytes: number): unknown {
  if (kindOf(file) !== 'file') return undefined
  // Names are longer than this many bytes a value.
  const budgets = { ...DEFAULT_BUDGETS, jsonBytes: maxBytes, jsonValues: maxBytes / 8 }
  try {
    return JSON.parse(withFile(file, (source) => jsonText(source, budgets)))
  } catch {
    return undefined
  }
}
