import { basename, dirname, join } from 'node:path'
import { type FolderEntry, kindOf, listFolder } from '../io/folder.js'
import { isRunFolder, isTensorsFolder, parseDevice, parseOutput, parseTid } from './names.js'
import type { IgnoredPath } from './types.js'

export type DeviceLayout = 'torch' | 'atb'

/** A `{device}_{PID}` folder and which of its `{TID}` folders, layers and files the caller's path named. */
export interface DeviceSelection {
  readonly folder: string
  readonly layout: DeviceLayout
  /** Absent: every step. */
  readonly tids?: ReadonlySet<number>
  /** The caller named layer folders or files: exactly these are wanted. */
  readonly within?: readonly string[]
}

export interface Located {
  devices: DeviceSelection[]
  /** Files outside any known layout. */
  bareFiles: string[]
  ignored: IgnoredPath[]
}

// What the tools put beside the tensors of a run: neither followed nor worth a line among the ignored.
const AUXILIARY = new Set([
  'model',
  'layer',
  'info',
  'model_tree.json',
  'topo',
  'cpu_profiling',
  'kernel',
  'operation_io_tensors',
])

/**
 * Finds the device folders that a path stands for. The path may be any level of a dump: the folder of runs, a run, its
 * tensors folder, a device folder, one step, one layer, one file. Decides by what is inside before it looks at names,
 * since copied folders are renamed and lose their parents; walks the layouts' fixed depth only, through no link.
 */
export function locate(path: string): Located {
  const located: Located = { devices: [], bareFiles: [], ignored: [] }
  if (kindOf(path) === 'file') locateFile(path, located)
  else locateFolder(path, located)
  return located
}

function locateFile(file: string, into: Located): void {
  const folder = dirname(file)
  const inAtb = basename(folder) === 'after' || basename(folder) === 'before'
  const layer = inAtb ? dirname(folder) : folder
  const tid = parseTid(basename(dirname(layer)))
  if (tid === undefined || !(inAtb || parseOutput(basename(file)))) into.bareFiles.push(file)
  else {
    const layout = inAtb ? 'atb' : 'torch'
    into.devices.push({ folder: dirname(dirname(layer)), layout, tids: new Set([tid]), within: [file] })
  }
}

function locateFolder(folder: string, into: Located): void {
  const entries = listFolder(folder)
  if (basename(folder) === 'after' && entries.some((e) => e.name === 'outtensor0.bin')) {
    locateFile(join(folder, 'outtensor0.bin'), into)
    return
  }
  const own = layerLayout(entries)
  if (own) {
    locateLayer(folder, own, entries, into)
    return
  }
  const asStep = stepLayout(folder, entries)
  if (asStep) {
    locateStep(folder, asStep, entries, into)
    return
  }
  const asDevice = deviceLayout(folder, entries)
  if (asDevice) into.devices.push({ folder, layout: asDevice })
  else locateContainer(folder, entries, into)
}

function locateLayer(folder: string, layout: DeviceLayout, entries: FolderEntry[], into: Located): void {
  const step = dirname(folder)
  const tid = parseTid(basename(step))
  if (tid !== undefined) into.devices.push({ folder: dirname(step), layout, tids: new Set([tid]), within: [folder] })
  else if (layout === 'atb') into.bareFiles.push(join(folder, 'after', 'outtensor0.bin'))
  else into.bareFiles.push(...firstOutputs(folder, entries))
}

function locateStep(folder: string, layout: DeviceLayout, entries: FolderEntry[], into: Located): void {
  const tid = parseTid(basename(folder))
  if (tid !== undefined) into.devices.push({ folder: dirname(folder), layout, tids: new Set([tid]) })
  else for (const { name } of entries.filter((e) => e.kind === 'folder')) locateFolder(join(folder, name), into)
}

function locateContainer(folder: string, entries: FolderEntry[], into: Located): void {
  for (const { name, kind } of entries) {
    const path = join(folder, name)
    const known = isRunFolder(name) || isTensorsFolder(name) || parseDevice(name) !== undefined
    if (kind === 'folder' && known) {
      const before = into.devices.length
      locateFolder(path, into)
      if (into.devices.length === before && parseDevice(name)) {
        into.ignored.push({ path, reason: 'a device folder without any step' })
      }
    } else if (!AUXILIARY.has(name)) {
      into.ignored.push({
        path,
        reason: kind === 'link' ? 'a link to a folder: links are not followed' : 'not part of a dump',
      })
    }
  }
}

/** The output of a layer folder that holds the logits, `output.pth` or the first of a tuple, as a list of at most one. */
function firstOutputs(folder: string, entries: FolderEntry[]): string[] {
  const first = outputsOf(entries)[0]
  return first === undefined ? [] : [join(folder, first)]
}

/** The names of a torch layer folder's outputs, in the order of what the module returned (`output_0_1` before `output_2`). */
export function outputsOf(entries: readonly FolderEntry[]): string[] {
  return entries
    .filter((e) => e.kind === 'file' && parseOutput(e.name))
    .map((e) => ({ name: e.name, place: parseOutput(e.name)! }))
    .sort((a, b) => comparePlaces(a.place, b.place))
    .map((e) => e.name)
}

function comparePlaces(a: number[], b: number[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}

function layerLayout(entries: readonly FolderEntry[]): DeviceLayout | undefined {
  if (entries.some((e) => e.kind === 'file' && (parseOutput(e.name) || e.name === 'statistics.csv'))) return 'torch'
  if (entries.some((e) => e.kind === 'folder' && (e.name === 'after' || e.name === 'before'))) return 'atb'
  return undefined
}

function stepLayout(folder: string, entries: readonly FolderEntry[]): DeviceLayout | undefined {
  for (const { name, kind } of entries) {
    const found = kind === 'folder' ? layerLayout(listFolder(join(folder, name))) : undefined
    if (found) return found
  }
  return undefined
}

function deviceLayout(folder: string, entries: readonly FolderEntry[]): DeviceLayout | undefined {
  for (const { name, kind } of entries) {
    if (kind !== 'folder' || parseTid(name) === undefined) continue
    const step = join(folder, name)
    const found = stepLayout(step, listFolder(step))
    if (found) return found
  }
  return undefined
}
