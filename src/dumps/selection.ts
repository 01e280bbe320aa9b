import { sep } from 'node:path'
import type { FolderNames } from '../io/folder-names.js'

export type DeviceLayout = 'torch' | 'atb'

/**
 * Which `{TID}` folders of a device folder the caller's path names, each with the layer folders and files that it names
 * in it. An empty list is the whole folder.
 */
export type NamedTids = ReadonlyMap<number, readonly string[]>

/** A `{device}_{PID}` folder, and what of it is wanted. */
export interface DeviceSelection {
  readonly folder: string
  readonly layout: DeviceLayout
  /** Absent: everything. */
  readonly tids?: NamedTids
  /** What it holds, where it was listed before. */
  readonly names?: FolderNames
}

/** One selection per device folder: a pattern may have named its steps one by one. */
export function mergeSelections(selections: readonly DeviceSelection[]): DeviceSelection[] {
  const merged = new Map<string, Omit<DeviceSelection, 'tids'> & { tids?: Map<number, string[]> }>()
  for (const { tids, ...device } of selections) {
    const known = merged.get(device.folder)
    if (!known || !tids) merged.set(device.folder, { ...device, ...(tids && { tids: new Map(copied(tids)) }) })
    else if (known.tids) for (const [tid, paths] of tids) addPaths(known.tids, tid, paths)
  }
  return [...merged.values()]
}

function copied(tids: NamedTids): [number, string[]][] {
  return [...tids].map(([tid, paths]) => [tid, [...paths]])
}

function addPaths(tids: Map<number, string[]>, tid: number, paths: readonly string[]): void {
  const known = tids.get(tid)
  if (!known || paths.length === 0) tids.set(tid, [...paths])
  else if (known.length > 0) known.push(...paths)
}

/** Did the caller's path name this file, or a folder it lies in? */
export function isNamed({ tids }: DeviceSelection, tid: number, file: string): boolean {
  const paths = tids ? tids.get(tid) : []
  return paths !== undefined && (paths.length === 0 || paths.some((path) => isWithin(path, file)))
}

export function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder + sep)
}
