import { dirname, join } from 'node:path'
import { type FolderEntry, tryListFolder } from '../../io/folder.js'
import { compareNames } from '../../io/name-order.js'
import { outputsOf } from '../layouts/torch/names.js'
import { type ModuleFacts, readModuleTree } from '../module-tree.js'
import { byRole } from './name-order.js'
import type { Layer, StepLayers } from './types.js'

/** The layers of `{device}_{PID}/{TID}`: a folder for each module. */
export function torchLayers(folder: string): StepLayers {
  const { entries } = tryListFolder(folder)
  const tree = readModuleTree(join(dirname(folder), 'model_tree.json'))
  const folders = entries.filter(({ kind }) => kind === 'folder')
  const layers = folders.map(({ name }) => layerOf(folder, name, tree))
  const orderOf = ({ name }: Layer): number | undefined => {
    const [module, call] = splitCall(name)
    return tree.get(module)?.order[call]
  }
  const isRecorded = layers.length > 0 && layers.every((layer) => orderOf(layer) !== undefined)
  layers.sort((a, b) => (isRecorded ? orderOf(a)! - orderOf(b)! : byRole(a.name, b.name)))
  return {
    folder,
    layers,
    order: isRecorded ? 'recorded' : 'by name',
    ignored: entries.filter(({ kind }) => kind !== 'folder').map(({ name }) => name),
  }
}

/** `root.shared@2` is the third call of a module in one forward pass. */
function splitCall(name: string): [module: string, call: number] {
  const match = /^(.+)@(\d{1,9})$/s.exec(name)
  return match ? [match[1]!, Number(match[2])] : [name, 0]
}

function layerOf(step: string, name: string, tree: ReadonlyMap<string, ModuleFacts>): Layer {
  const folder = join(step, name)
  const { entries, problem } = tryListFolder(folder)
  return {
    name,
    type: tree.get(splitCall(name)[0])?.type,
    outputs: outputsOf(entries).map((file) => join(folder, file)),
    inputs: inputsOf(entries).map((file) => join(folder, file)),
    problem,
  }
}

/** `input_0.pth`, `input_1_0.pth` … in the order of the arguments. */
function inputsOf(entries: readonly FolderEntry[]): string[] {
  const names = entries.map(({ name }) => name).filter((name) => /^input(?:_\d{1,9})*\.pth$/.test(name))
  return names.sort(compareNames)
}
