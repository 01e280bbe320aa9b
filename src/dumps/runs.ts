import { basename, dirname, relative, sep } from 'node:path'
import { GoldenLogitsError, printable } from '../errors.js'
import { compareNames } from '../io/name-order.js'
import { groupBy } from '../lib/group-by.js'
import { counted, listed } from '../lib/number-text.js'
import { parseDevice } from './layouts/names.js'
import type { DeviceSelection } from './layouts/selection.js'

/** One run of one model: its ranks in numeric device order. */
export type Run = readonly DeviceSelection[]

/**
 * Groups device folders into runs. Sibling folders with different device numbers are the ranks of one run. A device
 * number that occurs twice means several runs, which differ by process id.
 */
export function groupRuns(devices: readonly DeviceSelection[]): Run[] {
  const families = groupBy(devices, ({ folder, layout }) => {
    const name = parseDevice(basename(folder))
    return name ? `${dirname(folder)}\0${layout}\0${name.kind}` : folder
  })
  return [...families.values()].flatMap(splitByDevice)
}

function splitByDevice(family: DeviceSelection[]): Run[] {
  const ranks = [...family].sort((a, b) => compareNames(basename(a.folder), basename(b.folder)))
  const numbers = new Set(ranks.map((r) => parseDevice(basename(r.folder))?.device))
  if (numbers.size === ranks.length) return [ranks]
  return [...groupBy(ranks, ({ folder }) => parseDevice(basename(folder))?.pid).values()]
}

/**
 * Picks the run that the caller asks for.
 * @throws GoldenLogitsError `ambiguous-run` if several match, `invalid-argument` if `option` names none
 */
export function pickRun(path: string, runs: readonly Run[], option: string | undefined): Run {
  if (option === undefined) {
    if (runs.length === 1) return runs[0]!
    const advice = `choose one with the path or the option run: '${printable(runNames(path, runs[0]!)[0] ?? '', 60)}' (or 'latest')`
    throw new GoldenLogitsError('ambiguous-run', `holds ${runs.length} runs: ${listRuns(path, runs)}; ${advice}`, {
      file: path,
    })
  }
  const matches = option === 'latest' ? newest(runs) : runs.flatMap((run) => matchRun(path, run, option))
  if (matches.length === 1) return matches[0]!
  const message = `the option run: '${printable(option)}' matches ${matches.length} of the ${runs.length} runs here: ${listRuns(path, runs)}`
  const code = matches.length === 0 ? 'invalid-argument' : 'ambiguous-run'
  throw new GoldenLogitsError(code, `${message}; give the name of exactly one`, { file: path })
}

/** The run if `name` names it, only one of its ranks if `name` is that of its device folder, else nothing. */
function matchRun(path: string, run: Run, name: string): Run[] {
  const rank = run.filter(({ folder }) => basename(folder) === name)
  if (rank.length > 0) return [rank]
  return runNames(path, run).includes(name) ? [run] : []
}

function runNames(path: string, run: Run): string[] {
  const first = run[0]!.folder
  const parents = relative(path, dirname(first)).split(sep)
  const parts = dirname(first).split(sep).slice(-2)
  const pid = parseDevice(basename(first))?.pid
  return [...parents, ...parts, pid].filter(
    (part): part is string => part !== undefined && part !== '' && part !== '..',
  )
}

function newest(runs: readonly Run[]): Run[] {
  const stamped = runs.map((run) => ({ run, stamp: timestamp(run) }))
  if (stamped.some(({ stamp }) => stamp === '')) return [...runs]
  const last = stamped.reduce((newest, { stamp }) => (stamp > newest ? stamp : newest), '')
  return stamped.filter(({ stamp }) => stamp === last).map(({ run }) => run)
}

/** `YYYYMMDD_HHMMSS` of the innermost folder name that has one; `''` if none has. */
function timestamp(run: Run): string {
  const stamps = [...run[0]!.folder.matchAll(/(?:msit|ait)_dump_(\d{8}_\d{6})/g)]
  return stamps.at(-1)?.[1] ?? ''
}

function listRuns(path: string, runs: readonly Run[]): string {
  const names = runs.map((run) => {
    const [{ folder }, ...others] = run as readonly [DeviceSelection, ...DeviceSelection[]]
    const first = printable(relative(path, folder) || basename(folder), 100)
    return others.length > 0 ? `${first} and ${counted(others.length, 'more rank')}` : first
  })
  return listed(names, 5)
}
