import { basename, join, relative, resolve } from 'node:path'
import { GoldenLogitsError, printable } from '../errors.js'
import { kindOf } from '../io/folder.js'
import { inNameOrder } from '../io/folder-names.js'
import { firstOf, type List } from '../lib/lazy-list.js'
import { scanAtb } from './atb-layout.js'
import { commonFolder, expand } from './expand.js'
import { scanFlat } from './flat-layout.js'
import { type Located, locate } from './locate.js'
import { nothingFound } from './nothing-found.js'
import { checkLoadArguments } from './options.js'
import type { LayoutScan } from './rank-steps.js'
import { groupRuns, pickRun } from './runs.js'
import { scanTorch } from './torch-layout.js'
import type { Dump, IgnoredPath, LoadDumpOptions } from './types.js'

interface Scan extends LayoutScan {
  layout: Dump['layout']
}

/**
 * Opens a dump: finds its layout, its run, its ranks and the step of each file. Cheap: it lists folders and reads no tensor.
 *
 * @param pathOrGlob any level of a dump (the folder of runs, a run, `torch_tensors`/`tensors`, a device folder, one step,
 * one file), or a glob pattern that matches such paths. Relative paths start at the working directory. Folders in front
 * of a pattern that exist are taken as they are, whatever characters they hold.
 * @throws GoldenLogitsError `file-not-found`, `nothing-to-compare` (no dump there, or a pattern without a match),
 * `ambiguous-run`, `ambiguous-layer`, `invalid-argument`
 */
export function loadDump(pathOrGlob: string, options: LoadDumpOptions = {}): Dump {
  checkLoadArguments(pathOrGlob, options)
  const paths = expand(pathOrGlob)
  const file = paths.length === 1 && kindOf(paths[0]!) === 'file' ? paths[0]! : undefined
  const located = locate(paths)
  const scan = scanLocated(pathOrGlob, paths, located, options)
  // A file that the caller names is compared even where it is no step of its run.
  const alone = scan.steps.length === 0 && file !== undefined
  const { layout, steps, notes, stepsAssumed } = alone ? scanFile(file, located.ignored, options) : scan
  const ignored = alone ? [] : located.ignored
  if (steps.length === 0) throw nothingFound(pathOrGlob, paths, ignored)
  // A pattern that matches one file today may match more tomorrow: it stands for a dump.
  const named = file === resolve(pathOrGlob) ? 'file' : 'folder'
  const budgets = options.budgets ?? {}
  return { path: pathOrGlob, layout, named, steps, notes, ignored, stepsAssumed, budgets }
}

function scanLocated(path: string, paths: readonly string[], located: Located, options: LoadDumpOptions): Scan {
  const { devices, flatFiles, bareFiles, ignored } = located
  const kind = devices.length > 0 ? 'run' : flatFiles.length > 0 ? 'flat' : 'file'
  const outside = 'outside the layout of the dump'
  if (kind === 'run') {
    for (const { folder, series } of flatFiles) {
      for (const { name } of inNameOrder(series)) ignored.add(join(folder, name), outside)
    }
  }
  if (kind !== 'file') for (const file of bareFiles) ignored.add(file, outside)
  if (kind === 'run') return scanRun(path, paths, located, options)
  if (kind === 'flat') return { layout: 'flat', ...scanFlat(path, flatFiles, options, ignored) }
  return { layout: 'file', ...scanBare(path, bareFiles, options) }
}

function scanRun(
  path: string,
  paths: readonly string[],
  { devices, ignored }: Located,
  options: LoadDumpOptions,
): Scan {
  const root = paths.length === 1 ? paths[0]! : commonFolder(devices.map(({ folder }) => folder))
  const runs = groupRuns(devices)
  const { ranks } = pickRun(root, runs, options.run)
  const { folder, layout } = ranks[0]!
  const chosen = new Set(ranks.map((rank) => rank.folder))
  for (const device of devices) if (!chosen.has(device.folder)) ignored.add(device.folder, 'another run')
  const scan = layout === 'torch' ? scanTorch(ranks, options, ignored) : scanAtb(path, ranks, options, ignored)
  const taken = `run ${relative(root, folder) || basename(folder)} taken, ${runs.length - 1} other left out`
  return { ...scan, layout, notes: [...(runs.length > 1 ? [taken] : []), ...scan.notes] }
}

/** A file outside any layout is a dump of one step. */
function scanBare(path: string, files: readonly string[], options: LoadDumpOptions): LayoutScan {
  if (files.length > 1) {
    const some = files
      .slice(0, 3)
      .map((file) => printable(basename(file), 60))
      .join(', ')
    const message = `${files.length} files (${some}…) in no known layout, so their steps are unknown; name one file, or the folder of a dump`
    throw new GoldenLogitsError('ambiguous-run', message, { file: path })
  }
  const steps = files.map((file) => ({ step: options.firstStep ?? 0, files: [file], layer: '' }))
  return { steps, notes: [], stepsAssumed: options.firstStep === undefined }
}

/** A file of a run that the run's own reading has no step for: a warm-up's, or of a layer that is no head. */
function scanFile(file: string, ignored: List<IgnoredPath>, options: LoadDumpOptions): Scan {
  const reason = firstOf(ignored, ({ path }) => path === file)?.reason ?? 'not of the layer that emits the logits'
  const scan = scanBare(file, [file], options)
  const note = `${printable(basename(file), 60)} is no step of its run (${reason}): compared by itself, as token ${scan.steps.at(0)!.step}`
  return { ...scan, layout: 'file', notes: [note] }
}
