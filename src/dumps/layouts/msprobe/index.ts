import { basename, dirname, join } from 'node:path'
import { GoldenLogitsError, printable } from '../../../errors.js'
import { listNames, tryListFolder } from '../../../io/folder.js'
import type { FolderNames, NameSeries } from '../../../io/folder-names.js'
import { ignoredAs } from '../../ignored-paths.js'
import type { DumpStep } from '../../types.js'
import {
  chosenNote,
  type LayoutScan,
  type ScanContext,
  STATISTICS_ADVICE,
  sortedSteps,
  type TreeLayout,
} from '../layout.js'
import { parseOutput, parseRank, parseStep, TABLE, TENSORS } from './names.js'
import { type Process, pickLayer, pickProcesses, readProcess } from './processes.js'

/**
 * msprobe for PyTorch: `step{n}/rank{R}/dump_tensor_data/Module.lm_head.Linear.forward.{call}.output.0.pt`. If there is one
 * `step{n}` (the calls around one `generate()`), the number of the call is the token; else `step{n}` is.
 */
export const msprobe: TreeLayout = {
  kind: 'tree',
  name: 'msprobe',
  examples: [`step{n}/rank{R}/${TENSORS}/Module.lm_head.Linear.forward.{call}.output.0.pt`],
  detect: (folder, names) => stepsIn(folder, names) !== undefined,
  scan: scanMsprobe,
}

interface StepFolder {
  /** Undefined if the path names a process, and its folder no step. */
  readonly number: number | undefined
  readonly path: string
  readonly processes: readonly string[]
}

/**
 * The step folders that a path stands for: the dump, one step, one process, or its tensors. Looks at one name of each series,
 * since another layout may have a million.
 */
function stepsIn(folder: string, { series, others }: FolderNames): StepFolder[] | undefined {
  const holds = (name: string) => others.some((entry) => entry.name === name)
  if (basename(folder) === TENSORS && series.some((one) => parseOutput(one.at(0)!.name))) {
    return [stepOf(dirname(dirname(folder)), [dirname(folder)])]
  }
  if (holds(TENSORS) || (holds(TABLE) && holds('stack.json'))) return [stepOf(dirname(folder), [folder])]
  const processes = processesIn(
    folder,
    foldersOf(series, (name) => parseRank(name) !== undefined),
  )
  if (processes.length > 0) return [stepOf(folder, processes)]
  const steps = foldersOf(series, (name) => parseStep(name) !== undefined).map((name) => {
    const path = join(folder, name)
    return stepOf(path, processesIn(path, namesIn(path)))
  })
  return steps.some(({ processes }) => processes.length > 0) ? steps : undefined
}

/** The folders of the series whose first name is accepted. */
function foldersOf(series: readonly NameSeries[], accepts: (name: string) => boolean): string[] {
  const accepted = series.filter((one) => one.kind === 'folder' && accepts(one.at(0)!.name))
  return accepted.flatMap((one) => Array.from(one, ({ name }) => name))
}

function stepOf(path: string, processes: readonly string[]): StepFolder {
  return { number: parseStep(basename(path)), path, processes }
}

function processesIn(folder: string, names: readonly string[]): string[] {
  return names
    .filter((name) => parseRank(name) !== undefined)
    .map((name) => join(folder, name))
    .filter((path) => namesIn(path).some((name) => name === TENSORS || name === TABLE))
}

function namesIn(folder: string): string[] {
  return tryListFolder(folder).entries.map(({ name }) => name)
}

function scanMsprobe(folder: string, context: ScanContext): LayoutScan {
  const { path, options } = context
  const all = stepsIn(folder, listNames(folder))!
  const run = options.run === undefined ? undefined : all.filter(({ path }) => basename(path) === options.run)
  const steps = (run?.length ?? 0) > 0 ? run! : all
  const read = steps.map((step) => ({ ...step, processes: pickProcesses(step, context).map(readProcess) }))
  refuseStatistics(read, path)
  const layer = pickLayer(
    read.flatMap(({ processes }) => processes),
    context,
  )
  const byStep = read.map((step) => stepsOf(step, layer, read.length > 1, path))
  for (const { name, kind } of tryListFolder(folder).entries) {
    if (!isPartOfDump(name)) context.ignored.add(join(folder, name), ignoredAs(kind, 'not part of a dump'))
  }
  const notes = all.length > steps.length ? [chosenNote('run', options.run!, all.length - steps.length)] : []
  return { steps: sortedSteps(byStep.flat(), options), notes, stepsAssumed: false }
}

function isPartOfDump(name: string): boolean {
  if (parseStep(name) !== undefined || parseRank(name) !== undefined || name === TENSORS) return true
  return name.endsWith('.json') || name.endsWith('.log') || parseOutput(name) !== undefined || name.endsWith('.pt')
}

/** The tokens of one step folder. */
function stepsOf(
  { number, path, processes }: { number: number | undefined; path: string; processes: readonly Process[] },
  layer: string,
  isOneOfMany: boolean,
  dump: string,
): DumpStep[] {
  const calls = [...new Set(processes.flatMap(({ outputs }) => [...(outputs.get(layer)?.keys() ?? [])]))]
  if (isOneOfMany && calls.length > 1) {
    const message = `holds several steps (${printable(basename(path))} …) with several calls of ${printable(layer, 60)} each, so that either may be the token; choose one of the steps with the option run: '${printable(basename(path))}'`
    throw new GoldenLogitsError('ambiguous-run', message, { file: dump })
  }
  if (calls.length === 0) {
    const reason = `no output of ${printable(layer, 60)} in ${printable(path, 300)}`
    return [{ step: number ?? 0, files: [], layer, problem: reason }]
  }
  return calls.map((call) => {
    const files: string[] = []
    const problems: string[] = []
    for (const { folder, outputs } of processes) {
      const file = outputs.get(layer)?.get(call)
      if (file !== undefined) files.push(file)
      else
        problems.push(
          `no output ${call} of ${printable(layer, 60)} in ${printable(basename(folder))}, unlike the others`,
        )
    }
    const step = isOneOfMany ? (number ?? 0) : call
    return { step, files, layer, ...(problems.length > 0 && { problem: problems.join('; ') }) }
  })
}

function refuseStatistics(steps: readonly { processes: readonly Process[] }[], path: string): void {
  if (steps.some(({ processes }) => processes.some(({ outputs }) => outputs.size > 0))) return
  const isTable = steps.some(({ processes }) => processes.some(({ hasTensors }) => !hasTensors))
  const message = isTable
    ? `its ${TABLE} lists statistics and there is no ${TENSORS}: ${STATISTICS_ADVICE}`
    : `its ${TENSORS} has no output of a module`
  throw new GoldenLogitsError('nothing-to-compare', message, { file: path })
}
