import { join } from 'node:path'
import { GoldenLogitsError } from '../errors.js'
import { type FolderEntry, listNames, tryListFolder } from '../io/folder.js'
import type { FolderNames } from '../io/folder-names.js'
import { digitsOf } from '../io/numbered-text.js'
import { parseOutput } from './names.js'
import type { DeviceLayout } from './selection.js'

/** The layout of which a folder with these entries is a layer. */
export function layerLayout(entries: Iterable<FolderEntry>): DeviceLayout | undefined {
  let hasSides = false
  for (const { name, kind } of entries) {
    if (kind === 'file' && (parseOutput(name) || name === 'statistics.csv')) return 'torch'
    if (kind === 'folder' && (name === 'after' || name === 'before')) hasSides = true
  }
  return hasSides ? 'atb' : undefined
}

/**
 * The layout of which a folder is a step.
 * @param listed takes what its folders hold that are no layers: one may be a device folder with a million steps, which is
 * to be listed once
 */
export function stepLayout(
  folder: string,
  entries: Iterable<FolderEntry>,
  listed?: Map<string, FolderNames>,
): DeviceLayout | undefined {
  for (const { name, kind } of entries) {
    const path = join(folder, name)
    const names = kind === 'folder' ? tryListNames(path) : undefined
    const found = names && layerLayout(names)
    if (found) return found
    if (names) listed?.set(path, names)
  }
  return undefined
}

/** The layout of which a folder holds the steps. */
export function deviceLayout(folder: string, names: FolderNames): DeviceLayout | undefined {
  for (const tid of names.numbersOf('folder')) {
    const step = join(folder, digitsOf(tid))
    const found = stepLayout(step, tryListFolder(step).entries)
    if (found) return found
  }
  return undefined
}

function tryListNames(folder: string): FolderNames | undefined {
  try {
    return listNames(folder)
  } catch (error) {
    if (error instanceof GoldenLogitsError) return undefined
    throw error
  }
}
