import { dirname, join } from 'node:path'
import { openFile } from '../io/file-source.js'
import { kindOf } from '../io/folder.js'
import { parseAtbLayer } from './layouts/atb/names.js'
import { parseOutput } from './layouts/torch/names.js'

/** A module tree is a list of names. A larger file is skipped: it costs too much for a column of the report. */
const MAX_BYTES = 8 * 1024 * 1024

/** One side of a token, as far as its operation is concerned. */
interface Side {
  readonly layer: string
  readonly files: readonly string[]
}

/**
 * The type of the operation that emitted the logits: `LmHead` of the ATB layer `67_LmHead`; `Linear` of the torch module
 * `root.lm_head`, if the dump has a `model_tree.json`. Reads each tree once.
 */
export class OperationNames {
  private readonly trees = new Map<string, ReadonlyMap<string, string>>()

  /** @returns undefined if the dump does not say */
  typeOf(side: Side | undefined): string | undefined {
    if (!side) return undefined
    const file = side.files[0] ?? ''
    if (!parseOutput(file.split(/[\\/]/).at(-1)!)) return parseAtbLayer(side.layer)?.op
    // {device folder}/{step}/{layer}/output.pth
    return this.treeOf(dirname(dirname(dirname(file)))).get(side.layer)
  }

  private treeOf(device: string): ReadonlyMap<string, string> {
    const tree = this.trees.get(device) ?? typesIn(join(device, 'model_tree.json'))
    this.trees.set(device, tree)
    return tree
  }
}

/** The types of all modules of a tree by name; none if the file is not there or is not such a tree. */
function typesIn(file: string): Map<string, string> {
  const types = new Map<string, string>()
  const pending: unknown[] = [parsed(file)]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    const { name, type, children } = (node ?? {}) as { name?: unknown; type?: unknown; children?: unknown }
    if (typeof name === 'string' && typeof type === 'string') types.set(name, type.slice(0, 200))
    if (Array.isArray(children)) for (const child of children) pending.push(child)
  }
  return types
}

function parsed(file: string): unknown {
  if (kindOf(file) !== 'file') return undefined
  try {
    const source = openFile(file)
    try {
      if (source.size > MAX_BYTES) return undefined
      const bytes = new Uint8Array(source.size)
      source.read(0, bytes)
      return JSON.parse(Buffer.from(bytes.buffer).toString('utf8'))
    } finally {
      source.close()
    }
  } catch {
    return undefined
  }
}
