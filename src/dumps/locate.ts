import { basename, dirname, join } from 'node:path'
import { kindOf, listNames } from '../io/folder.js'
import { type FolderNames, inNameOrder } from '../io/folder-names.js'
import { firstOf } from '../lib/lazy-list.js'
import { byFolder, type FlatFiles, isFlat } from './flat-files.js'
import { IgnoredPaths, ignoredAs } from './ignored-paths.js'
import { deviceLayout, layerLayout, stepLayout } from './layout-inside.js'
import { isRunFolder, isTensorsFolder, parseDevice, parseFlat, parseOutput, parseTid } from './names.js'
import { outputsOf } from './outputs.js'
import { type DeviceLayout, type DeviceSelection, mergeSelections } from './selection.js'

export interface Located {
  devices: DeviceSelection[]
  flatFiles: FlatFiles[]
  /** Files outside any known layout. */
  bareFiles: string[]
  ignored: IgnoredPaths
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
 * Finds the device folders that paths stand for. A path may be any level of a dump: the folder of runs, a run, its
 * tensors folder, a device folder, one step, one layer, one file. Decides by what is inside before it looks at names,
 * since copied folders are renamed and lose their parents; walks the layouts' fixed depth only, through no link.
 */
export function locate(paths: readonly string[]): Located {
  const found = { devices: [], bareFiles: [], ignored: new IgnoredPaths() }
  const into: Walk = { ...found, flatFolders: [], namedFlat: [], listed: new Map() }
  for (const path of paths) {
    if (kindOf(path) === 'file') locateFile(path, into)
    else locateFolder(path, into)
  }
  const { devices, flatFolders, namedFlat, bareFiles, ignored } = into
  return { devices: mergeSelections(devices), flatFiles: [...flatFolders, ...byFolder(namedFlat)], bareFiles, ignored }
}

/** What is found on the way. */
interface Walk extends Omit<Located, 'flatFiles'> {
  flatFolders: FlatFiles[]
  /** Flat files that the paths name one by one. */
  namedFlat: string[]
  /** Folders that were listed in search of layers, and may be to be walked. */
  listed: Map<string, FolderNames>
}

function locateFile(file: string, into: Walk): void {
  const name = basename(file)
  const folder = dirname(file)
  // Of an ATB layer's files only the first output can be logits; another is what the caller says it is.
  const inAtb = basename(folder) === 'after' && name === 'outtensor0.bin'
  const layer = inAtb ? dirname(folder) : folder
  const tid = parseTid(basename(dirname(layer)))
  if (tid !== undefined && (inAtb || parseOutput(name))) {
    const layout = inAtb ? 'atb' : 'torch'
    into.devices.push({ folder: dirname(dirname(layer)), layout, tids: new Map([[tid, [file]]]) })
  } else if (parseFlat(name)) into.namedFlat.push(file)
  else if (AUXILIARY.has(name)) into.ignored.add(file, 'not part of a dump')
  else into.bareFiles.push(file)
}

function locateFolder(folder: string, into: Walk): void {
  const names = into.listed.get(folder) ?? listNames(folder)
  if (basename(folder) === 'after' && firstOf(names, ({ name }) => name === 'outtensor0.bin')) {
    locateFile(join(folder, 'outtensor0.bin'), into)
    return
  }
  const own = layerLayout(names)
  if (own) {
    locateLayer(folder, own, names, into)
    return
  }
  // Before the step: a device folder shows by its first step, where to rule out a step takes a look at all entries.
  const asDevice = deviceLayout(folder, names)
  if (asDevice) {
    into.devices.push({ folder, layout: asDevice, names })
    return
  }
  const asStep = stepLayout(folder, names, into.listed)
  if (asStep) locateStep(folder, asStep, names, into)
  else locateContainer(folder, names, into)
}

function locateLayer(folder: string, layout: DeviceLayout, names: FolderNames, into: Walk): void {
  const step = dirname(folder)
  const tid = parseTid(basename(step))
  if (tid !== undefined) into.devices.push({ folder: dirname(step), layout, tids: new Map([[tid, [folder]]]) })
  else if (layout === 'atb') into.bareFiles.push(join(folder, 'after', 'outtensor0.bin'))
  else into.bareFiles.push(...firstOutputs(folder, names))
}

function locateStep(folder: string, layout: DeviceLayout, names: FolderNames, into: Walk): void {
  const tid = parseTid(basename(folder))
  if (tid !== undefined) into.devices.push({ folder: dirname(folder), layout, tids: new Map([[tid, []]]) })
  else for (const { name, kind } of names) if (kind === 'folder') locateFolder(join(folder, name), into)
}

function locateContainer(folder: string, names: FolderNames, into: Walk): void {
  const flat = names.series.filter(isFlat)
  if (flat.length > 0) into.flatFolders.push({ folder, series: flat })
  const beside = names.series.filter((series) => !isFlat(series))
  for (const { name, kind } of inNameOrder([...beside, names.others])) {
    const path = join(folder, name)
    if (kind === 'folder' && (isRunFolder(name) || isTensorsFolder(name) || parseDevice(name))) {
      const before = into.devices.length
      locateFolder(path, into)
      if (into.devices.length === before && parseDevice(name)) {
        into.ignored.add(path, 'a device folder without any step')
      }
    } else if (!AUXILIARY.has(name)) into.ignored.add(path, ignoredAs(kind, 'not part of a dump'))
  }
}

/** The output of a layer folder that holds the logits, `output.pth` or the first of a tuple, as a list of at most one. */
function firstOutputs(folder: string, names: FolderNames): string[] {
  const first = outputsOf([...names])[0]
  return first === undefined ? [] : [join(folder, first)]
}
