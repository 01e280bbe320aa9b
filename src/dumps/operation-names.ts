import { dirname, join } from 'node:path'
import { parseAtbLayer } from './layouts/atb/names.js'
import { parseOutput } from './layouts/torch/names.js'
import { type ModuleFacts, readModuleTree } from './module-tree.js'

/** One side of a token, as far as its operation is concerned. */
interface Side {
  readonly layer: string
  readonly files: readonly string[]
}

/**
 * The types of the operations that emitted the logits: `LmHead` of `67_LmHead` (ATB); `Linear` of `root.lm_head`, if a torch
 * dump has a `model_tree.json`, each of which is read once.
 */
export class OperationNames {
  private readonly trees = new Map<string, ReadonlyMap<string, ModuleFacts>>()

  /** @returns undefined if the dump does not say */
  typeOf(side: Side | undefined): string | undefined {
    if (!side) return undefined
    const file = side.files[0] ?? ''
    if (!parseOutput(file.split(/[\\/]/).at(-1)!)) return parseAtbLayer(side.layer.split('/').at(-1)!)?.op
    // {device folder}/{step}/{layer}/output.pth
    return this.treeOf(dirname(dirname(dirname(file)))).get(side.layer)?.type
  }

  private treeOf(device: string): ReadonlyMap<string, ModuleFacts> {
    const tree = this.trees.get(device) ?? readModuleTree(join(device, 'model_tree.json'))
    this.trees.set(device, tree)
    return tree
  }
}
