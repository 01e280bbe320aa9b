import { basename, dirname, join } from 'node:path'
import { GoldenLogitsError } from '../errors.js'
import { type EntryKind, type FolderEntry, isLink, kindOf, listNames, tryListFolder } from '../io/folder.js'
import { FolderNames, inNameOrder, type NameSeries } from '../io/folder-names.js'
import { digitsOf } from '../io/numbered-text.js'
import { groupBy } from '../lib/group-by.js'
import { tryRead } from '../lib/try-read.js'
import { IgnoredPaths, ignoredAs } from './ignored-paths.js'
import { isCaseName, isLogitsFile, parseFlat } from './layouts/flat/names.js'
import { layerOfFile, layoutOfFile, layoutOfLayer, layoutOfTree, logitsInside } from './layouts/index.js'
import type { FolderLayout, TreeLayout } from './layouts/layout.js'
import { isRunFolder, isTensorsFolder, parseDevice, parseTid, STEP_KINDS } from './layouts/names.js'
import { type DeviceSelection, type FileSelection, mergeSelections } from './layouts/selection.js'

export interface Located {
  devices: DeviceSelection[]
  /** Files that are a step each. */
  stepFiles: FileSelection[]
  /** Folders that are a dump as a whole. */
  trees: { readonly folder: string; readonly layout: TreeLayout }[]
  /** Folders of one prompt or sample each, side by side. */
  cases: string[]
  /** Files outside any known layout. */
  bareFiles: string[]
  ignored: IgnoredPaths
}

// The tools write these beside the tensors of a run. They are neither followed nor listed as ignored.
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
 * Finds the device folders and step files that paths stand for. A path may be any level of a dump: the folder of runs, a
 * run, its tensors folder, a device folder, one step, one layer, one file. The content of a folder decides before its
 * name, because copied folders are renamed and lose their parents. The walk has a fixed depth and follows no link.
 */
export function locate(paths: readonly string[]): Located {
  const walk: Walk = { ...emptyLocated(), namedStepFiles: [], listed: new Map() }
  for (const path of paths) {
    const kind = kindOf(path)
    if (kind === 'other') {
      const message = 'is a device, a pipe or a socket, expected a file or a folder'
      throw new GoldenLogitsError('not-a-regular-file', message, { file: path })
    }
    if (kind === 'file') locateFile(path, walk)
    else if (!locateLink(path, kind, walk)) locateFolder(path, walk)
  }
  const { devices, stepFiles, trees, cases, namedStepFiles, bareFiles, ignored } = walk
  return {
    devices: mergeSelections(devices),
    stepFiles: [...stepFiles, ...byFolder(namedStepFiles)],
    trees,
    cases,
    bareFiles,
    ignored,
  }
}

export function emptyLocated(): Located {
  return { devices: [], stepFiles: [], trees: [], cases: [], bareFiles: [], ignored: new IgnoredPaths() }
}

/** The result of the walk so far. */
interface Walk extends Located {
  /** Step files, or links with the name of one, that the paths name one by one. */
  namedStepFiles: { path: string; kind: EntryKind }[]
  /** Folders listed while looking for layers, which the walk may enter later. */
  listed: Map<string, FolderNames>
}

function locateFile(file: string, walk: Walk): void {
  const name = basename(file)
  const match = layerOfFile(file)
  if (match && addStep(dirname(match.layer), match.layout, [file], walk)) return
  if (layoutOfFile(name)) walk.namedStepFiles.push({ path: file, kind: 'file' })
  else if (AUXILIARY.has(name)) walk.ignored.add(file, 'not part of a dump')
  else walk.bareFiles.push(file)
}

/**
 * Adds the device folder of a step.
 * @param paths the layer folders and files in the step that count; empty for the complete step
 * @returns false if the folder has no name of a step
 */
function addStep(step: string, layout: FolderLayout, paths: readonly string[], walk: Walk): boolean {
  const tid = parseTid(basename(step))
  if (tid === undefined) return false
  walk.devices.push({ folder: dirname(step), layout: layout.name, tids: new Map([[tid, paths]]) })
  return true
}

/** A link that has the name of a step, but no content of one, is an unreadable step. @returns false for other paths */
function locateLink(path: string, kind: EntryKind | undefined, walk: Walk): boolean {
  const name = basename(path)
  if (layoutOfFile(name) && isLink(path)) {
    walk.namedStepFiles.push({ path, kind: 'link' })
    return true
  }
  if (kind !== 'link' || parseTid(name) === undefined) return false
  const device = dirname(path)
  const layout = layoutOfDevice(device, listNames(device))
  return layout !== undefined && addStep(path, layout, [], walk)
}

function locateFolder(folder: string, walk: Walk): void {
  const names = walk.listed.get(folder) ?? listNames(folder)
  const inside = logitsInside(folder, names)
  if (inside !== undefined) {
    locateFile(inside, walk)
    return
  }
  const layerLayout = layoutOfLayer(names)
  if (layerLayout) {
    locateLayer(folder, layerLayout, names, walk)
    return
  }
  // Before the step: the first step proves a device folder, but only all entries can prove that a folder is no step.
  const deviceLayout = layoutOfDevice(folder, names)
  if (deviceLayout) {
    walk.devices.push({ folder, layout: deviceLayout.name, names })
    return
  }
  const stepLayout = layoutOfStep(folder, names, walk.listed)
  if (stepLayout) {
    locateStep(folder, stepLayout, names, walk)
    return
  }
  const tree = layoutOfTree(folder, names)
  if (tree) walk.trees.push({ folder, layout: tree })
  else locateContainer(folder, names, walk)
}

function locateLayer(folder: string, layout: FolderLayout, names: FolderNames, walk: Walk): void {
  if (addStep(dirname(folder), layout, [folder], walk)) return
  const file = layout.logitsOf(folder, names)
  if (file !== undefined) walk.bareFiles.push(file)
}

function locateStep(folder: string, layout: FolderLayout, names: FolderNames, walk: Walk): void {
  if (addStep(folder, layout, [], walk)) return
  for (const { name, kind } of names) if (kind === 'folder') locateFolder(join(folder, name), walk)
}

function locateContainer(folder: string, names: FolderNames, walk: Walk): void {
  const isStep = (series: NameSeries) =>
    (series.kind === 'file' || series.kind === 'link') && layoutOfFile(series.at(0)!.name) !== undefined
  walk.stepFiles.push(...byLayout(folder, names.series.filter(isStep)))
  const others = names.series.filter((series) => !isStep(series))
  const cases = casesOf(folder, names)
  if (walk.stepFiles.length === 0 && cases.length > 0) {
    walk.cases.push(...cases)
    return
  }
  for (const { name, kind } of inNameOrder([...others, names.others])) {
    const path = join(folder, name)
    if (kind === 'folder' && (isRunFolder(name) || isTensorsFolder(name) || parseDevice(name))) {
      const before = walk.devices.length
      locateFolder(path, walk)
      if (walk.devices.length === before && parseDevice(name)) {
        walk.ignored.add(path, 'a device folder without any step')
      }
    } else if (kind === 'file' && isLogitsFile(name)) walk.bareFiles.push(path)
    else if (!AUXILIARY.has(name)) walk.ignored.add(path, ignoredAs(kind, 'not part of a dump'))
  }
}

/** The folders of prompts or samples in a folder, if they hold logits: `sample_00000/logits.npy`. */
function casesOf(folder: string, names: FolderNames): string[] {
  const cases: string[] = []
  for (const series of names.series) {
    if (series.kind !== 'folder' || !isCaseName(series.at(0)!.name)) continue
    const { entries } = tryListFolder(join(folder, series.at(0)!.name))
    const holdsLogits = entries.some(({ name, kind }) => kind === 'file' && (isLogitsFile(name) || parseFlat(name)))
    if (holdsLogits) for (const { name } of series) cases.push(join(folder, name))
  }
  return cases
}

/** The layout in which a folder is a device folder: the one of its first step. */
function layoutOfDevice(folder: string, names: FolderNames): FolderLayout | undefined {
  // Links last: if every step of a rank is a link, the rank is still a rank.
  for (const kind of STEP_KINDS) {
    for (const tid of names.numbersOf(kind)) {
      const step = join(folder, digitsOf(tid))
      const layout = layoutOfStep(step, tryListFolder(step).entries)
      if (layout) return layout
    }
  }
  return undefined
}

/**
 * The layout in which a folder is a step: the one of its first layer.
 * @param listed takes the entries of the subfolders that are no layers. One of them may be a device folder with a million
 * steps, which must be listed only once
 */
function layoutOfStep(
  folder: string,
  entries: Iterable<FolderEntry>,
  listed?: Map<string, FolderNames>,
): FolderLayout | undefined {
  for (const { name, kind } of entries) {
    const path = join(folder, name)
    const names = kind === 'folder' ? tryRead(() => listNames(path)) : undefined
    const layout = names && layoutOfLayer(names)
    if (layout) return layout
    if (names) listed?.set(path, names)
  }
  return undefined
}

/** Step files that the paths name one by one, grouped by folder. */
function byFolder(files: Walk['namedStepFiles']): FileSelection[] {
  return [...groupBy(files, ({ path }) => dirname(path))].flatMap(([folder, files]) => {
    const entries = files.map(({ path, kind }) => ({ name: basename(path), kind }))
    return byLayout(folder, new FolderNames(entries).series)
  })
}

/** Step files of one folder, grouped by layout. */
function byLayout(folder: string, series: readonly NameSeries[]): FileSelection[] {
  const groups = groupBy(series, (files) => layoutOfFile(files.at(0)!.name)!.name)
  return [...groups].map(([layout, series]) => ({ layout, folder, series }))
}
