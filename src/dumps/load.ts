import { basename, relative, resolve } from 'node:path'
import { globSync } from 'glob'
import { GoldenLogitsError, shown } from '../errors.js'
import { compareNames, kindOf, listFolder } from '../io/folder.js'
import { scanAtb } from './atb-layout.js'
import { type DeviceSelection, type Located, locate } from './locate.js'
import { groupRuns, pickRun } from './runs.js'
import { scanTorch } from './torch-layout.js'
import type { Dump, IgnoredPath, LoadDumpOptions } from './types.js'

const OPTIONS = ['run', 'layer', 'firstStep', 'limits']

/**
 * Opens a dump: finds its layout, its run, its ranks and the step of each file. Cheap: it lists folders and reads no tensor.
 *
 * @param pathOrGlob any level of a dump (the folder of runs, a run, `torch_tensors`/`tensors`, a device folder, one step,
 * one file), or a glob pattern that matches such paths. Relative paths start at the working directory.
 * @throws GoldenLogitsError `file-not-found`, `nothing-to-compare` (no dump there, or a pattern without a match),
 * `ambiguous-run`, `ambiguous-layer`, `invalid-argument`
 */
export function loadDump(pathOrGlob: string, options: LoadDumpOptions = {}): Dump {
  checkArguments(pathOrGlob, options)
  const paths = expand(pathOrGlob)
  const located = paths.map((path) => locate(path))
  const devices = mergeDevices(located.flatMap((l) => l.devices))
  const ignored = located.flatMap((l) => l.ignored)
  const bareFiles = located.flatMap((l) => l.bareFiles)
  const limits = options.limits ?? {}
  if (devices.length === 0 && bareFiles.length > 0) return bareDump(pathOrGlob, bareFiles, ignored, options)
  if (devices.length === 0) throw nothingFound(pathOrGlob, paths, ignored)

  const root = paths.length === 1 ? paths[0]! : commonFolder(devices)
  const runs = groupRuns(devices)
  const run = pickRun(root, runs, options.run)
  const notes: string[] = []
  if (runs.length > 1) {
    notes.push(
      `run ${relative(root, run.ranks[0]!.folder) || basename(run.ranks[0]!.folder)} taken, ${runs.length - 1} other left out`,
    )
    const chosen = new Set(run.ranks.map((r) => r.folder))
    for (const device of devices)
      if (!chosen.has(device.folder)) ignored.push({ path: device.folder, reason: 'another run' })
  }
  for (const path of bareFiles) ignored.push({ path, reason: 'outside the layout of the dump' })
  const { layout } = run.ranks[0]!
  const scan = layout === 'torch' ? scanTorch(run.ranks, options) : scanAtb(root, run.ranks, options)
  if (scan.steps.length === 0) throw nothingFound(pathOrGlob, paths, [...ignored, ...scan.ignored])
  return {
    path: pathOrGlob,
    layout,
    named: paths.length === 1 && kindOf(paths[0]!) === 'file' ? 'file' : 'folder',
    steps: scan.steps,
    notes: [...notes, ...scan.notes],
    ignored: [...ignored, ...scan.ignored],
    stepsAssumed: scan.stepsAssumed,
    limits,
  }
}

function checkArguments(path: unknown, options: LoadDumpOptions): void {
  if (typeof path !== 'string' || path === '') {
    const found = path === '' ? 'an empty text' : path === null ? 'null' : `a value of type ${typeof path}`
    throw new GoldenLogitsError('invalid-argument', `loadDump wants the path of a dump or a glob pattern, got ${found}`)
  }
  if (path.includes('\0'))
    throw new GoldenLogitsError('invalid-argument', 'a path cannot hold a NUL character', { file: path })
  const unknown = Object.keys(options).find((key) => !OPTIONS.includes(key))
  if (unknown !== undefined) {
    throw new GoldenLogitsError(
      'invalid-argument',
      `loadDump has no option '${shown(unknown)}'; it has ${OPTIONS.join(', ')}`,
    )
  }
  const { firstStep } = options
  if (firstStep !== undefined && !(Number.isSafeInteger(firstStep) && firstStep >= 0)) {
    throw new GoldenLogitsError('invalid-argument', `firstStep must be a whole number from 0, got ${String(firstStep)}`)
  }
}

/** The existing paths that the argument names. A path that exists is taken as it is, whatever characters it holds. */
function expand(pathOrGlob: string): string[] {
  const literal = resolve(pathOrGlob)
  if (kindOf(literal) !== undefined) return [literal]
  if (!/[*?[\]{}!()]/.test(pathOrGlob)) {
    throw new GoldenLogitsError('file-not-found', 'there is no such file or folder', { file: pathOrGlob })
  }
  const matches = globSync(pathOrGlob, { absolute: true, windowsPathsNoEscape: true })
  if (matches.length === 0) {
    throw new GoldenLogitsError('nothing-to-compare', 'the pattern matches no file or folder', { file: pathOrGlob })
  }
  return matches.sort(compareNames)
}

/** One selection per device folder: a pattern may have named its steps one by one. */
function mergeDevices(devices: readonly DeviceSelection[]): DeviceSelection[] {
  const merged = new Map<string, DeviceSelection>()
  for (const device of devices) {
    const other = merged.get(device.folder)
    merged.set(device.folder, other ? unite(other, device) : device)
  }
  return [...merged.values()]
}

function unite(a: DeviceSelection, b: DeviceSelection): DeviceSelection {
  if (!a.tids || !b.tids) return { folder: a.folder, layout: a.layout }
  const within = a.within && b.within ? [...a.within, ...b.within] : undefined
  return { folder: a.folder, layout: a.layout, tids: new Set([...a.tids, ...b.tids]), ...(within && { within }) }
}

function commonFolder(devices: readonly DeviceSelection[]): string {
  const [first, ...rest] = devices.map((d) => d.folder.split('/').slice(0, -1))
  const shared = first!.findIndex((part, i) => rest.some((other) => other[i] !== part))
  return (shared < 0 ? first! : first!.slice(0, shared)).join('/') || '/'
}

/** A file outside any layout is a dump of one step. */
function bareDump(path: string, files: string[], ignored: IgnoredPath[], options: LoadDumpOptions): Dump {
  if (files.length > 1) {
    const some = files
      .slice(0, 3)
      .map((file) => shown(basename(file), 60))
      .join(', ')
    const message = `${files.length} files (${some}…) in no known layout, so their steps are unknown; name one file, or the folder of a dump`
    throw new GoldenLogitsError('ambiguous-run', message, { file: path })
  }
  const steps = [{ step: options.firstStep ?? 0, files, layer: '' }]
  return {
    path,
    layout: 'file',
    named: 'file',
    steps,
    notes: [],
    ignored,
    stepsAssumed: options.firstStep === undefined,
    limits: options.limits ?? {},
  }
}

function nothingFound(path: string, paths: readonly string[], ignored: readonly IgnoredPath[]): GoldenLogitsError {
  const dumps = paths.flatMap((p) => dumpsBelow(p))
  const inside = ignored
    .slice(0, 3)
    .map((i) => shown(basename(i.path), 60))
    .join(', ')
  const found =
    ignored.length === 0
      ? 'it is empty'
      : `found ${inside}${ignored.length > 3 ? ` and ${ignored.length - 3} more` : ''}`
  const hint =
    dumps.length > 0
      ? `; there is a dump in ${dumps
          .slice(0, 3)
          .map((d) => shown(d, 80))
          .join(' and in ')}: name that one`
      : ''
  const expected =
    'expected msit_dump_*/torch_tensors/{device}_{PID}/{TID}/{layer}/output.pth or msit_dump_*/tensors/{device}_{PID}/{TID}/{id}_{op}/after/outtensor0.bin, or any folder on the way'
  return new GoldenLogitsError('nothing-to-compare', `no dump here (${found}); ${expected}${hint}`, { file: path })
}

/** Folders one level below that do hold a dump, for the hint. */
function dumpsBelow(path: string): string[] {
  if (kindOf(path) !== 'folder') return []
  const folders = listFolder(path)
    .filter((e) => e.kind === 'folder')
    .slice(0, 50)
  return folders.filter(({ name }) => holdsDump(resolve(path, name))).map(({ name }) => name)
}

function holdsDump(path: string): boolean {
  const { devices }: Located = locate(path)
  return devices.length > 0
}
