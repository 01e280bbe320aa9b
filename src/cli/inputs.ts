import { existsSync, realpathSync } from 'node:fs'
import { basename, join } from 'node:path'
import { globSync } from 'glob'
import { GoldenLogitsError, printable } from '../errors.js'
import { kindOf, listFolder } from '../io/folder.js'
import { compareNames } from '../io/name-order.js'
import { startedFrom } from '../lib/file-path.js'
import { SCRATCH_FOLDER } from '../lib/scratch-folder.js'
import type { TestPlace } from '../report/rows.js'
import { abandonedRunDirs, isRunDir } from '../reporters/run-dirs.js'

/** The files and folders that `merge` reads. */
export interface Inputs {
  /** CSV files. */
  readonly reports: string[]
  /** Folders of runs that ended without a report. */
  readonly runDirs: string[]
}

/**
 * The reports and abandoned runs that paths and patterns name, each once.
 * @param output the new report. It is no input if a folder or a pattern finds it.
 * @throws GoldenLogitsError `file-not-found`, `nothing-to-compare`; `invalid-argument` if `output` is named as an input
 */
export function findInputs(paths: readonly string[], output: string): Inputs {
  const target = existsSync(output) ? realpathSync(output) : undefined
  const named = paths.find((path) => kindOf(path) === 'file' && realpathSync(path) === target)
  if (named !== undefined) {
    const message = 'this is an input and the output, so its rows would be lost; name another --output'
    throw new GoldenLogitsError('invalid-argument', message, { file: named })
  }
  const reports = new Set<string>()
  const runDirs = new Set<string>()
  for (const path of paths.flatMap(expand)) {
    const kind = kindOf(path)
    if (kind === 'file' && /\.json$/i.test(path)) {
      const message = 'merge joins CSV reports; golden-logits report joins JSON reports'
      throw new GoldenLogitsError('unsupported-format', message, { file: path })
    }
    if (kind === 'file') reports.add(realpathSync(path))
    else if (kind !== 'folder') throw notFound(path)
    else {
      const inputs = inFolder(path)
      if (inputs.reports.length + inputs.runDirs.length === 0) {
        throw new GoldenLogitsError('nothing-to-compare', 'the folder contains no CSV and no rows of a run', {
          file: path,
        })
      }
      for (const report of inputs.reports) reports.add(realpathSync(report))
      for (const runDir of inputs.runDirs) runDirs.add(realpathSync(runDir))
    }
  }
  if (target !== undefined) reports.delete(target)
  return { reports: [...reports], runDirs: [...runDirs] }
}

/**
 * The path itself if it exists, else what it matches as a pattern, in order.
 * @throws GoldenLogitsError `file-not-found`
 */
export function expand(path: string): string[] {
  if (kindOf(path) !== undefined) return [path]
  if (!/[*?[\]{}]/.test(path)) throw notFound(path)
  const matches = globSync(path, { windowsPathsNoEscape: true, dot: true })
  if (matches.length > 0) return matches.sort(compareNames)
  throw new GoldenLogitsError('file-not-found', `the pattern matches no file or folder${startedFrom(path)}`, {
    file: path,
  })
}

function inFolder(path: string): Inputs {
  if (isRunDir(path)) return { reports: [], runDirs: [path] }
  if (basename(realpathSync(path)) === SCRATCH_FOLDER)
    return { reports: [], runDirs: abandonedRunDirs(join(path, '..')) }
  const files = listFolder(path).filter(({ name, kind }) => kind === 'file' && name.endsWith('.csv'))
  return { reports: files.map(({ name }) => join(path, name)), runDirs: abandonedRunDirs(path) }
}

/**
 * A test file in two inputs would count twice, and only the user knows which one is right.
 * @param what the inputs have of a test file
 * @throws GoldenLogitsError `ambiguous-run`
 */
export function refuseOverlaps(
  inputs: readonly { readonly input: string; readonly places: readonly TestPlace[] }[],
  what: 'rows' | 'comparisons',
): void {
  const owners = new Map<string, string>()
  for (const { input, places } of inputs) {
    for (const place of places) {
      const key = `${place.project}\n${place.file}`
      const owner = owners.get(key) ?? input
      owners.set(key, owner)
      if (owner === input) continue
      if (place.file === '') {
        const message = `holds comparisons that no test made, and so does ${printable(owner, 300)}: merge joins the reports of test runs, each with its own test files; golden-logits report joins the JSON reports of compare`
        throw new GoldenLogitsError('ambiguous-run', message, { file: input })
      }
      const test = `${printable(place.file)}${place.project === '' ? '' : ` of the project ${printable(place.project)}`}`
      const message = `has ${what} of ${test}, and so does ${printable(owner, 300)}; give only the one that counts`
      throw new GoldenLogitsError('ambiguous-run', message, { file: input })
    }
  }
}

function notFound(path: string): GoldenLogitsError {
  return new GoldenLogitsError('file-not-found', `there is no such file or folder${startedFrom(path)}`, { file: path })
}
