import { basename } from 'node:path'
import { GoldenLogitsError, printable } from '../errors.js'
import { groupBy } from '../lib/group-by.js'
import type { IgnoredPaths } from './ignored-paths.js'
import { splitFlat } from './layouts/flat/index.js'
import { emptyLocated, type Located, locate } from './locate.js'
import type { Dump, DumpRun, LoadDumpOptions } from './types.js'

/** One of several runs under a path, located and not yet scanned. */
interface LocatedRun {
  readonly name: string
  readonly paths: readonly string[]
  readonly located: Located
}

/**
 * The prompts, samples or cases under a path, for the option `run: 'all'`. Each has a name that the other side has too.
 * @throws GoldenLogitsError `ambiguous-run` for runs that only their process or time names, and for two runs of one name,
 * `nothing-to-compare` if the path holds no such runs
 */
export function splitRuns(path: string, paths: readonly string[], located: Located): LocatedRun[] {
  const { devices, stepFiles, trees, cases, ignored } = located
  const runs: LocatedRun[] = []
  if (devices.length > 0 || trees.length > 0) {
    const message = `the option run: 'all' compares prompts by their names, and the runs of such a dump are named by process or time, which differ on the other side; compare them one by one with the option run`
    throw new GoldenLogitsError('ambiguous-run', message, { file: path })
  }
  if (stepFiles.length > 0) {
    for (const { name, selections } of splitFlat(stepFiles, ignored)) {
      runs.push({ name, paths, located: { ...emptyLocated(), stepFiles: selections } })
    }
    for (const folder of cases) ignored.add(folder, 'outside the layout of the dump')
    for (const file of located.bareFiles) ignored.add(file, 'outside the layout of the dump')
  } else {
    for (const folder of cases) runs.push({ name: basename(folder), paths: [folder], located: locate([folder]) })
  }
  if (runs.length === 0) {
    const message = `the option run: 'all' is for a path with several prompts (sample_0/logits.npy, prompt_0.npy, logits_{task}_{case}_{step}.pth), and this one has none; leave the option out`
    throw new GoldenLogitsError('nothing-to-compare', message, { file: path })
  }
  for (const [name, { length }] of groupBy(runs, ({ name }) => name)) {
    if (length === 1) continue
    const message = `two runs have the name ${printable(name, 60)}; give loadDump a path or pattern that holds only one of them`
    throw new GoldenLogitsError('ambiguous-run', message, { file: path })
  }
  return runs
}

/** The dump of all runs: `steps` has the steps of one run after the other. */
export function dumpOfRuns(
  path: string,
  runs: readonly DumpRun[],
  ignored: IgnoredPaths,
  options: LoadDumpOptions,
): Dump {
  return {
    path,
    layout: runs[0]!.dump.layout,
    named: 'folder',
    steps: runs.flatMap(({ dump }) => [...dump.steps]),
    notes: [],
    ignored,
    stepsAssumed: false,
    budgets: options.budgets ?? {},
    runs,
  }
}
