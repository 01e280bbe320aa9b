import { basename, dirname } from 'node:path'
import type { FolderEntry } from '../io/folder.js'
import { FolderNames, type NameSeries } from '../io/folder-names.js'
import { parseFlat } from './names.js'

/** Files `logits_{task}_{case}_{step}.pth` of one folder. */
export interface FlatFiles {
  folder: string
  series: readonly NameSeries[]
}

/** Are these `logits_{task}_{case}_{step}.pth`? Names that differ by the step alone are so all or none. */
export function isFlat(series: NameSeries): boolean {
  return series.kind === 'file' && parseFlat(series.at(0)!.name) !== undefined
}

/** Flat files that were named one by one. */
export function byFolder(files: readonly string[]): FlatFiles[] {
  const folders = new Map<string, FolderEntry[]>()
  for (const file of files) {
    const entry = { name: basename(file), kind: 'file' } as const
    const known = folders.get(dirname(file))
    if (known) known.push(entry)
    else folders.set(dirname(file), [entry])
  }
  return [...folders].map(([folder, entries]) => ({ folder, series: new FolderNames(entries).series }))
}
