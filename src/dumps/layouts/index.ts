import type { FolderEntry } from '../../io/folder.js'
import type { FolderNames } from '../../io/folder-names.js'
import type { Dump } from '../types.js'
import { atb } from './atb/index.js'
import { flat } from './flat/index.js'
import type { FileLayout, FolderLayout, Layout, TreeLayout } from './layout.js'
import { msprobe } from './msprobe/index.js'
import { sglang } from './sglang/index.js'
import { stepFolders } from './step-folders/index.js'
import { torch } from './torch/index.js'
import { transformers } from './transformers/index.js'

/** Every layout that `loadDump` reads. Add a layout here; if two fit, the first one is taken. */
export const LAYOUTS: readonly Layout[] = [torch, atb, msprobe, sglang, transformers, stepFolders, flat]

const FOLDER_LAYOUTS = LAYOUTS.filter((layout): layout is FolderLayout => layout.kind === 'folders')
const TREE_LAYOUTS = LAYOUTS.filter((layout): layout is TreeLayout => layout.kind === 'tree')
const FILE_LAYOUTS = LAYOUTS.filter((layout): layout is FileLayout => layout.kind === 'files')

/** The layout in which a folder with these entries is a layer. One pass, since the folder may hold a million entries. */
export function layoutOfLayer(entries: Iterable<FolderEntry>): FolderLayout | undefined {
  let best = FOLDER_LAYOUTS.length
  for (const entry of entries) {
    for (let i = 0; i < best; i++) if (FOLDER_LAYOUTS[i]!.detect(entry)) best = i
    if (best === 0) break
  }
  return FOLDER_LAYOUTS[best]
}

/** The folder layout whose logits files have this name and place, and the layer folder of this one. */
export function layerOfFile(file: string): { layout: FolderLayout; layer: string } | undefined {
  for (const layout of FOLDER_LAYOUTS) {
    const layer = layout.layerOf(file)
    if (layer !== undefined) return { layout, layer }
  }
  return undefined
}

/** The logits file in a folder inside a layer folder, undefined for other folders. */
export function logitsInside(folder: string, names: FolderNames): string | undefined {
  for (const layout of FOLDER_LAYOUTS) {
    const file = layout.logitsInside?.(folder, names)
    if (file !== undefined) return file
  }
  return undefined
}

/** The layout in which a file with this name is a step. */
export function layoutOfFile(name: string): FileLayout | undefined {
  return FILE_LAYOUTS.find((layout) => layout.detect(name))
}

export function folderLayout(name: Dump['layout']): FolderLayout {
  return FOLDER_LAYOUTS.find((layout) => layout.name === name)!
}

export function fileLayout(name: Dump['layout']): FileLayout {
  return FILE_LAYOUTS.find((layout) => layout.name === name)!
}

/** The layout by which a folder as a whole is a dump. */
export function layoutOfTree(folder: string, names: FolderNames): TreeLayout | undefined {
  return TREE_LAYOUTS.find((layout) => layout.detect(folder, names))
}
