import { basename, join, relative, resolve } from 'node:path'
import { atCaller, describeValue, GoldenLogitsError, invalidArgument, printable } from '../errors.js'
import { resolveBudgets } from '../io/budgets.js'
import { kindOf } from '../io/folder.js'
import { inNameOrder } from '../io/folder-names.js'
import { compareNames } from '../io/name-order.js'
import { checkObject, choice, choiceOrNumber, nonEmptyString, wholeNumber } from '../lib/check-options.js'
import { type FilePath, pathOf } from '../lib/file-path.js'
import { firstOf, type List } from '../lib/lazy-list.js'
import { info, warning } from '../lib/note.js'
import { dumpOfRuns, splitRuns } from './all-runs.js'
import { commonFolder, expand, patternOf } from './expand.js'
import { dumpOfFileRun, fileRuns, pickFileRun } from './file-runs.js'
import { findIds } from './find-ids.js'
import { fileLayout, folderLayout } from './layouts/index.js'
import { scanKld } from './layouts/kld/index.js'
import {
  chosenNote,
  type LayoutScan,
  type NamedScan,
  OR_ALL,
  pickNamed,
  rankAlone,
  type ScanContext,
} from './layouts/layout.js'
import { scanLlamaDebug } from './layouts/llama-debug/index.js'
import { type Located, locate } from './locate.js'
import { filesHint, noDumpError, refuseForeign } from './no-dump.js'
import { groupRuns, pickRun } from './runs.js'
import { asRun, stepsInFile } from './steps-in-file.js'
import type { Dump, DumpKind, IgnoredPath, LoadDumpOptions } from './types.js'

/**
 * Opens a dump: finds its layout, its run, its ranks and the step of each file. Cheap: it lists folders and reads
 * no logits, only token ids beside them.
 *
 * @param pathOrGlob any level of a dump (the folder of runs, a run, `torch_tensors`/`tensors`, a device folder, one step,
 * one file), a `file:` URL of one, or a glob pattern that matches such paths. Relative paths start at the working directory. An existing folder
 * in front of a pattern is taken literally, even if its name contains pattern characters.
 * @throws GoldenLogitsError `file-not-found`, `nothing-to-compare` (no dump there, or a pattern without a match),
 * `unsupported-format` (a file that is no tensor), `ambiguous-run`, `ambiguous-layer`, `invalid-argument`
 */
export function loadDump(pathOrGlob: FilePath, options: LoadDumpOptions = {}): Dump {
  return atCaller(loadDump, () => {
    checkOptions(options)
    const path = checkPath(pathOf(pathOrGlob))
    return openPaths(path, expand(path), options)
  })
}

/** Several paths, as a shell makes them of a pattern: the dump that the pattern stands for. One path is as for `loadDump`. */
export function loadPaths(paths: readonly string[], options: LoadDumpOptions = {}): Dump {
  const [first, ...others] = paths
  if (first === undefined || others.length === 0) return loadDump(first!, options)
  checkOptions(options)
  const expanded = new Set(paths.flatMap((path) => expand(checkPath(path))))
  return openPaths(patternOf(paths), [...expanded].sort(compareNames), options)
}

/** @param paths what `pathOrGlob` stands for, in the order of their names */
function openPaths(pathOrGlob: string, paths: readonly string[], options: LoadDumpOptions): Dump {
  const located = locate(paths)
  if (options.run !== 'all') return ofKind(openLocated(pathOrGlob, paths, located, options), options.kind)
  const { run, ...others } = options
  const inFile = fileRuns(paths, others)?.map(({ name, scan }) => {
    return { name, dump: dumpOfFileRun(pathOrGlob, scan, others) }
  })
  const runs =
    inFile ??
    splitRuns(pathOrGlob, paths, located).map((run) => {
      const path = run.paths.length === 1 ? run.paths[0]! : pathOrGlob
      const dump: Dump = { ...openLocated(path, run.paths, run.located, others), named: 'folder' }
      return { name: run.name, dump }
    })
  const checked = runs.map(({ name, dump }) => ({ name, dump: ofKind(dump, others.kind) }))
  return dumpOfRuns(pathOrGlob, checked, located.ignored, options)
}

function openLocated(pathOrGlob: string, paths: readonly string[], located: Located, options: LoadDumpOptions): Dump {
  const file = paths.length === 1 && kindOf(paths[0]!) === 'file' ? paths[0]! : undefined
  const inFile = fileRuns(paths, options)
  if (inFile) return dumpOfFileRun(pathOrGlob, pickFileRun(pathOrGlob, inFile, options), options)
  const context = { path: pathOrGlob, options, ignored: located.ignored }
  const kld = file === undefined ? undefined : scanKld(file, options)
  const raw = file === undefined || kld ? undefined : scanLlamaDebug(file, options)
  const scan: NamedScan = kld ?? raw ?? scanLocated(paths, located, context)
  if (options.prefill !== undefined && scan.steps.length > 0 && scan.layout !== 'atb' && scan.layout !== 'sglang') {
    const message = `the option prefill names an execution of an ATB dump, or a forward pass of SGLang's dumper, and this is a dump of the layout '${scan.layout}'`
    throw new GoldenLogitsError('invalid-argument', message, { file: pathOrGlob })
  }
  if (options.layer !== undefined && scan.steps.length > 0 && (scan.layout === 'flat' || scan.layout === 'file')) {
    const message = `the option layer names a layer folder, and a dump of the layout '${scan.layout}' has none; leave the option out`
    throw new GoldenLogitsError('invalid-argument', message, { file: pathOrGlob })
  }
  // A file that the caller names is compared even if it is not a step of its run.
  const alone = scan.steps.length === 0 && file !== undefined
  const { layout, steps, notes, stepsAssumed, decodeOnly } = alone
    ? scanFileAlone(file, located.ignored, context)
    : asRun(scan, options)
  const ignored = alone ? [] : located.ignored
  if (steps.length === 0) throw noDumpError(pathOrGlob, paths, ignored)
  // A pattern that matches one file today may match more tomorrow: it stands for a dump.
  const named = file === resolve(pathOrGlob) ? 'file' : 'folder'
  const budgets = options.budgets ?? {}
  const ranks = typeof options.ranks === 'string' ? { ranks: options.ranks } : {}
  const ids = findIds(steps, layout, options, ignored)
  const idFiles = new Set(ids?.files)
  const { tensor, positions = ids?.positions, sequence } = options
  // A file outside any layout may hold a whole run.
  const prompt = layout === 'file' || decodeOnly ? {} : { promptStep: options.firstStep ?? 0 }
  return {
    path: pathOrGlob,
    layout,
    named,
    steps: positions === 'steps' ? stepsInFile(pathOrGlob, steps, options) : steps,
    notes: ids ? [...notes, ...ids.notes] : notes,
    ignored: idFiles.size > 0 ? [...ignored].filter(({ path }) => !idFiles.has(path)) : ignored,
    stepsAssumed,
    ...prompt,
    ...(ids && ids.tokenIds.size > 0 && { tokenIds: ids.tokenIds, ids: ids.facts }),
    ...(scan.tokenIds && scan.ids && { tokenIds: scan.tokenIds, ids: scan.ids }),
    ...(scan.kind && { kind: scan.kind }),
    ...(scan.text && { text: scan.text }),
    ...ranks,
    budgets,
    rows: { tensor, positions, sequence },
  }
}

/** The dump, if it is of the kind that the caller gave. */
function ofKind(dump: Dump, kind: DumpKind | undefined): Dump {
  if (kind === undefined) return dump
  const found = dump.kind ?? 'logits'
  if (found === kind) return { ...dump, isKindGiven: true }
  const message = `holds ${found}, and the option kind says ${kind}; set kind: '${found}', or leave it out`
  throw new GoldenLogitsError('invalid-argument', message, { file: dump.path })
}

const KINDS = ['logits', 'log-probabilities', 'known-ids'] as const satisfies readonly DumpKind[]

/** The check of every option. A new option needs a line here and one in `LoadDumpOptions`. */
const CHECKS: { readonly [Name in keyof LoadDumpOptions]-?: (value: unknown) => unknown } = {
  run: (value) => nonEmptyString('run', value, '0_1445461'),
  layer: (value) => nonEmptyString('layer', value, '67_LmHead'),
  firstStep: (value) => wholeNumber('firstStep', value, 0),
  tensor: (value) => nonEmptyString('tensor', value, 'scores'),
  positions: (value) => choiceOrNumber('positions', value, ['last', 'all', 'steps'], 'the number of a position from 0'),
  sequence: (value) => wholeNumber('sequence', value, 0),
  prefill: (value) => choiceOrNumber('prefill', value, ['last'], 'the number of an execution'),
  ranks: (value) => choiceOrNumber('ranks', value, ['split', 'copies'], 'the number of a rank from 0'),
  kind: (value) => choice('kind', value, KINDS),
  budgets: (value) => resolveBudgets(value as LoadDumpOptions['budgets']),
}

function checkPath(path: unknown): string {
  if (typeof path !== 'string' || path === '') {
    throw invalidArgument(`loadDump needs the path of a dump or a glob pattern, got ${describeValue(path)}`)
  }
  if (path.includes('\0')) {
    throw new GoldenLogitsError('invalid-argument', 'a path cannot contain a NUL character', { file: path })
  }
  return path
}

function checkOptions(options: unknown): void {
  const names = Object.keys(CHECKS) as (keyof LoadDumpOptions)[]
  const values = checkObject<LoadDumpOptions>("loadDump's options", options, names, '{ firstStep: 1 }')
  for (const name of names) CHECKS[name](values[name])
}

/** Scans what was located: a run of device folders, else step files, else a file outside any layout. */
function scanLocated(paths: readonly string[], located: Located, context: ScanContext): NamedScan {
  const { devices, stepFiles, trees, cases, bareFiles, ignored } = located
  if (devices.length === 0 && stepFiles.length === 0) {
    if (cases.length > 0) return scanCase(cases, context)
    if (trees.length > 0) return scanTree(trees, context)
  }
  for (const { folder } of trees) ignored.add(folder, 'outside the layout of the dump')
  const layout = devices.length > 0 ? undefined : stepFiles[0]?.layout
  const outside = 'outside the layout of the dump'
  for (const { folder, series } of stepFiles.filter((files) => files.layout !== layout)) {
    for (const { name } of inNameOrder(series)) ignored.add(join(folder, name), outside)
  }
  if (devices.length === 0) rankAlone(context, 1)
  if (devices.length === 0 && layout === undefined) return { layout: 'file', ...scanBareFiles(bareFiles, context) }
  for (const file of bareFiles) ignored.add(file, outside)
  if (layout === undefined) return scanRun(paths, located, context)
  const files = stepFiles.filter((files) => files.layout === layout)
  return { layout, ...fileLayout(layout).scan(files, context) }
}

/** A folder that is a dump as a whole. */
function scanTree([first, second]: Located['trees'], context: ScanContext): NamedScan {
  if (second) {
    const names = [first!, second].map(({ folder }) => printable(basename(folder), 60)).join(', ')
    const message = `the pattern matches several dumps (${names}…); name one of them`
    throw new GoldenLogitsError('ambiguous-run', message, { file: context.path })
  }
  const { folder, layout } = first!
  return { layout: layout.name, ...layout.scan(folder, context) }
}

/** One of several folders, each with the logits of one prompt or sample. */
function scanCase(cases: readonly string[], context: ScanContext): NamedScan {
  const { options, ignored } = context
  const holds = `holds the logits of ${cases.length} prompts or samples`
  const first = pickNamed(cases, (folder) => [basename(folder)], holds, context, OR_ALL)
  for (const folder of cases) if (folder !== first) ignored.add(folder, 'another case')
  const located = locate([first])
  for (const { path, reason } of located.ignored) ignored.add(path, reason)
  const { run, ...others } = options
  const scan = scanLocated([first], { ...located, ignored }, { path: first, options: others, ignored })
  const note = run !== undefined && cases.length > 1 ? [chosenNote('case', printable(run), cases.length - 1)] : []
  return { ...scan, notes: [...note, ...scan.notes] }
}

function scanRun(paths: readonly string[], { devices, ignored }: Located, context: ScanContext): NamedScan {
  const root = paths.length === 1 ? paths[0]! : commonFolder(devices.map(({ folder }) => folder))
  const runs = groupRuns(devices)
  const run = pickRun(root, runs, context.options.run)
  const rank = rankAlone(context, run.length)
  const ranks = rank === undefined ? run : [run[rank]!]
  const { folder, layout } = ranks[0]!
  const chosen = new Set(ranks.map((rank) => rank.folder))
  for (const device of devices) {
    if (!chosen.has(device.folder)) ignored.add(device.folder, run.includes(device) ? 'another rank' : 'another run')
  }
  const scan = folderLayout(layout).scan(ranks, context)
  const note = chosenNote('run', relative(root, folder) || basename(folder), runs.length - 1)
  return { ...scan, layout, notes: [...(runs.length > 1 ? [note] : []), ...scan.notes] }
}

/** A file outside any layout is a dump of one step. */
function scanBareFiles(files: readonly string[], { path, options }: ScanContext): LayoutScan {
  if (files.length > 1) {
    const some = files.slice(0, 3).map((file) => printable(basename(file), 60))
    const message = `${files.length} files (${some.join(', ')}…) in no known layout, so their steps are unknown; ${filesHint(files) ?? 'name one file, or the folder of a dump'}`
    throw new GoldenLogitsError('ambiguous-run', message, { file: path })
  }
  for (const file of files) refuseForeign(file)
  const steps = files.map((file) => ({ step: options.firstStep ?? 0, files: [file], layer: '' }))
  return { steps, notes: [], stepsAssumed: options.firstStep === undefined }
}

/** Loads a file that is in a run but not a step of it: part of a warm-up, or of a layer that is not a head. */
function scanFileAlone(file: string, ignored: List<IgnoredPath>, context: ScanContext): NamedScan {
  const reason = firstOf(ignored, ({ path }) => path === file)?.reason ?? 'not of the layer that emits the logits'
  const scan = scanBareFiles([file], context)
  const { step } = scan.steps.at(0)!
  const text = `${printable(basename(file), 60)} is not a step of its run (${reason}): compared by itself, as token ${step}`
  const note = scan.stepsAssumed ? warning(text, `set loadDump's option firstStep: ${step}`) : info(text)
  return { ...scan, layout: 'file', notes: [note] }
}
