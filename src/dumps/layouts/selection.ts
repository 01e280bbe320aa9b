import { sep } from 'node:path'
import type { FolderNames, NameSeries } from '../../io/folder-names.js'
import type { Dump } from '../types.js'

/** The `{TID}` folders that the path names, each with the layers and files in it that it names; none if it means all. */
type NamedTids = ReadonlyMap<number, readonly string[]>

/** A `{device}_{PID}` folder, and which part of it to scan. */
export interface DeviceSelection {
  readonly folder: string
  readonly layout: Dump['layout']
  /** Absent: everything. */
  readonly tids?: NamedTids
  /** Its entries, if they were listed before. */
  readonly names?: FolderNames
}

/** Files of one folder, each of them one step. */
export interface FileSelection {
  readonly layout: Dump['layout']
  readonly folder: string
  readonly series: readonly NameSeries[]
}

/** Joins the selections of the same device folder: a pattern may match its steps one by one. */
export function mergeSelections(selections: readonly DeviceSelection[]): DeviceSelection[] {
  const merged = new Map<string, Omit<DeviceSelection, 'tids'> & { tids?: Map<number, string[]> }>()
  for (const { tids, ...device } of selections) {
    const previous = merged.get(device.folder)
    if (!previous || !tids) merged.set(device.folder, { ...device, ...(tids && { tids: copyOf(tids) }) })
    else if (previous.tids) for (const [tid, paths] of tids) addPaths(previous.tids, tid, paths)
  }
  return [...merged.values()]
}

function copyOf(tids: NamedTids): Map<number, string[]> {
  return new Map([...tids].map(([tid, paths]) => [tid, [...paths]]))
}

function addPaths(tids: Map<number, string[]>, tid: number, paths: readonly string[]): void {
  const previous = tids.get(tid)
  if (!previous || paths.length === 0) tids.set(tid, [...paths])
  else if (previous.length > 0) previous.push(...paths)
}

/** Does the caller's path name this file, or a folder that contains it? */
export function isNamed({ tids }: DeviceSelection, tid: number, file: string): boolean {
  const paths = tids ? tids.get(tid) : []
  return paths !== undefined && (paths.length === 0 || paths.some((path) => isWithin(path, file)))
}

/** Does the caller's path name layers or files inside the steps? */
export function namesLayers({ tids }: DeviceSelection): boolean {
  for (const paths of tids?.values() ?? []) if (paths.length > 0) return true
  return false
}

export function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder + sep)
}
