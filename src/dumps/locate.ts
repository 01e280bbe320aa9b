import { basename, dirname, join } from 'node:path'
import { type FolderEntry, kindOf, listFolder, tryListFolder } from '../io/folder.js'
import { isRunFolder, isTensorsFolder, parseDevice, parseFlat, parseOutput, parseTid } from './names.js'
import type { DeviceLayout, DeviceSelection } from './selection.js'
import type { IgnoredPath } from './types.js'

export interface Located {
  devices: DeviceSelection[]
  /** `logits_{task}_{case}_{step}.pth` files. */
  flatFiles: string[]
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
  const located: Located = { devices: [], flatFiles: [], bareFiles: [], ignored: [] }
  if (kindOf(path) === 'file') locateFile(path, located)
  else locateFolder(path, located)
  return located
}

function locateFile(file: string, into: Located): void {
  const name = basename(file)
  const folder = dirname(file)
  // Of an ATB layer's files only the first output can be logits; another is what the caller says it is.
  const inAtb = basename(folder) === 'after' && name === 'outtensor0.bin'
  const layer = inAtb ? dirname(folder) : folder
  const tid = parseTid(basename(dirname(layer)))
  if (tid !== undefined && (inAtb || parseOutput(name))) {
    const layout = inAtb ? 'atb' : 'torch'
    into.devices.push({ folder: dirname(dirname(layer)), layout, tids: new Map([[tid, [file]]]) })
  } else if (parseFlat(name)) into.flatFiles.push(file)
  else if (AUXILIARY.has(name)) into.ignored.push({ path: file, reason: 'not part of a dump' })
  else into.bareFiles.push(file)
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
  // Before the step: a device folder shows by its first step, where to rule out a step takes a look at all entries.
  const asDevice = deviceLayout(folder, entries)
  if (asDevice) {
    into.devices.push({ folder, layout: asDevice })
    return
  }
  const asStep = stepLayout(folder, entries)
  if (asStep) locateStep(folder, asStep, entries, into)
  else locateContainer(folder, entries, into)
}

function locateLayer(folder: string, layout: DeviceLayout, entries: FolderEntry[], into: Located): void {
  const step = dirname(folder)
  const tid = parseTid(basename(step))
  if (tid !== undefined) into.devices.push({ folder: dirname(step), layout, tids: new Map([[tid, [folder]]]) })
  else if (layout === 'atb') into.bareFiles.push(join(folder, 'after', 'outtensor0.bin'))
  else into.bareFiles.push(...firstOutputs(folder, entries))
}

function locateStep(folder: string, layout: DeviceLayout, entries: FolderEntry[], into: Located): void {
  const tid = parseTid(basename(folder))
  if (tid !== undefined) into.devices.push({ folder: dirname(folder), layout, tids: new Map([[tid, []]]) })
  else for (const { name } of entries.filter((e) => e.kind === 'folder')) locateFolder(join(folder, name), into)
}

function locateContainer(folder: string, entries: FolderEntry[], into: Located): void {
  for (const { name, kind } of entries) {
    const path = join(folder, name)
    if (kind === 'folder' && (isRunFolder(name) || isTensorsFolder(name) || parseDevice(name))) {
      const before = into.devices.length
      locateFolder(path, into)
      if (into.devices.length === before && parseDevice(name)) {
        into.ignored.push({ path, reason: 'a device folder without any step' })
      }
    } else if (kind === 'file' && parseFlat(name)) into.flatFiles.push(path)
    else if (!AUXILIARY.has(name)) into.ignored.push({ path, reason: ignoredAs(kind, 'not part of a dump') })
  }
}

/** The reason that is told of an entry that the walk passes by. */
export function ignoredAs(kind: FolderEntry['kind'], reason: string): string {
  return kind === 'link' ? 'a link to a folder, or a broken one: links are not followed' : reason
}

/** The output of a layer folder that holds the logits, `output.pth` or the first of a tuple, as a list of at most one. */
function firstOutputs(folder: string, entries: FolderEntry[]): string[] {
  const first = outputsOf(entries)[0]
  return first === undefined ? [] : [join(folder, first)]
}

/** The names of a torch layer folder's outputs, in the order of what the module returned (`output_0_1` before `output_2`). */
export function outputsOf(entries: readonly FolderEntry[]): string[] {
  return (
    entries
      // What is no file is one to the reader, which says what it is instead.
      .filter((e) => parseOutput(e.name))
      .map((e) => ({ name: e.name, place: parseOutput(e.name)! }))
      .sort((a, b) => comparePlaces(a.place, b.place))
      .map((e) => e.name)
  )
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
    const found = kind === 'folder' ? layerLayout(tryListFolder(join(folder, name)).entries) : undefined
    if (found) return found
  }
  return undefined
}

function deviceLayout(folder: string, entries: readonly FolderEntry[]): DeviceLayout | undefined {
  for (const { name, kind } of entries) {
    if (kind !== 'folder' || parseTid(name) === undefined) continue
    const step = join(folder, name)
    const found = stepLayout(step, tryListFolder(step).entries)
    if (found) return found
  }
  return undefined
}
