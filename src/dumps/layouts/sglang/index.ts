import { basename, join } from 'node:path'
import { GoldenLogitsError, printable } from '../../../errors.js'
import { listNames, tryListFolder } from '../../../io/folder.js'
import type { FolderNames } from '../../../io/folder-names.js'
import { groupBy } from '../../../lib/group-by.js'
import { info } from '../../../lib/note.js'
import { ignoredAs } from '../../ignored-paths.js'
import type { DumpStep } from '../../types.js'
import { chosenNote, type LayoutScan, pickNamed, rankAlone, type ScanContext, type TreeLayout } from '../layout.js'
import { type DumperName, isLogitsName, parseDumper, parseHook } from './names.js'
import { type Pass, runOf } from './passes.js'

/**
 * SGLang's dumper (`sglang.srt.debug_utils.dumper`): a folder of files, each a value of one forward pass on one rank.
 * `{DUMPER_DIR}/{experiment}/step=3___rank=0___dump_index=7___name=next_token_logits___….pt`.
 */
export const sglang: TreeLayout = {
  kind: 'tree',
  name: 'sglang',
  examples: ['step={n}___rank={R}___*name=next_token_logits*.pt'],
  detect: (folder, names) => foldersIn(folder, names).length > 0,
  scan: scanSglang,
}

/** The folder itself, or the experiments in the dumper's folder, if it gave them their names. */
function foldersIn(folder: string, names: FolderNames): string[] {
  if (holdsDumps(names)) return [folder]
  // Of another layout's million files none is made: a series of names is one look.
  const series = names.series.filter((one) => one.kind === 'folder' && EXPERIMENT.test(one.at(0)!.name))
  const inside = series.flatMap((one) => Array.from(one, ({ name }) => join(folder, name)))
  return inside.filter((path) => tryListFolder(path).entries.some(isDump))
}

/** The names that the dumper gives to its folders. */
const EXPERIMENT = /^(?:sglang_)?dump_\d/

function holdsDumps({ series, others }: FolderNames): boolean {
  return series.some((one) => isDump(one.at(0)!)) || others.some(isDump)
}

function isDump({ name, kind }: { name: string; kind: string }): boolean {
  return kind === 'file' && parseDumper(name) !== undefined
}

/** A file of the dumper. */
interface Value extends DumperName {
  readonly file: string
}

function scanSglang(path: string, context: ScanContext): LayoutScan {
  const { options, ignored } = context
  const folders = foldersIn(path, listNames(path))
  const folder = pickNamed(folders, (one) => [basename(one)], `holds ${folders.length} runs`, context)
  const notes = folders.length > 1 ? [chosenNote('run', basename(folder), folders.length - 1)] : []
  const values: Value[] = []
  for (const { name, kind } of tryListFolder(folder).entries) {
    const value = kind === 'file' ? parseDumper(name) : undefined
    if (!value) ignored.add(join(folder, name), ignoredAs(kind, 'not part of a dump'))
    else if (!value.isRecomputed) values.push({ ...value, file: join(folder, name) })
  }
  const layer = pickLogits(values, context)
  const logits = values.filter(({ name }) => name === layer)
  const ranks = ranksOf(values, logits, context)
  const inputs = inputsOf(values, ranks.numbers[0]!)
  const byPass = groupBy(logits, ({ pass }) => pass)
  const passes = [...byPass.keys()].sort((a, b) => a - b).map((number): Pass => ({ number, ...inputs.get(number) }))
  const run = runOf(passes, context)
  const steps = run.passes.map(({ number }, index) => {
    return stepOf(byPass.get(number)!, ranks.numbers, layer, (options.firstStep ?? 0) + index)
  })
  const { tokenIds, ids } = run
  return {
    steps,
    notes: [...notes, ...ranks.notes, ...run.notes],
    stepsAssumed: false,
    ...(tokenIds && ids && { tokenIds, ids }),
  }
}

/** The name of the logits: that in the option `layer`, else the only name of logits, else that of what the model returns. */
function pickLogits(values: readonly Value[], { path, options }: ScanContext): string {
  const names = [...new Set(values.map(({ name }) => name))]
  const wanted = names.filter((name) => (options.layer === undefined ? isLogitsName(name) : name === options.layer))
  const returned = wanted.filter((name) => parseHook(name)?.module === '')
  if (wanted.length === 1 || returned.length === 1) return returned[0] ?? wanted[0]!
  const some = (wanted.length > 0 ? wanted : names).slice(0, 5).map((name) => printable(name, 60))
  const list = `${some.join(', ')}${(wanted.length || names.length) > some.length ? '…' : ''}`
  const found = options.layer === undefined ? 'names of logits' : `named '${printable(options.layer, 60)}'`
  const advice =
    wanted.length > 0
      ? `choose one with the option layer: '${some[0]}'`
      : "name the logits with the option layer, or dump them: DUMPER_NON_INTRUSIVE_MODE=all, or dumper.dump('next_token_logits', logits)"
  const message = `holds ${names.length} kinds of values, and ${wanted.length} of them are ${found} (${list}); ${advice}`
  throw new GoldenLogitsError('ambiguous-layer', message, { file: path })
}

/** The ranks that hold logits, in numeric order. */
function ranksOf(values: readonly Value[], logits: readonly Value[], context: ScanContext) {
  const numbersIn = (some: readonly Value[]) => [...new Set(some.map(({ rank }) => rank))].sort((a, b) => a - b)
  const [all, numbers] = [numbersIn(values), numbersIn(logits)]
  const without = all.filter((rank) => !numbers.includes(rank))
  const notes = without.length > 0 ? [info(`without logits, and left out: rank ${without.join(', ')}`)] : []
  const alone = rankAlone(context, numbers.length)
  return { numbers: alone === undefined ? numbers : [numbers[alone]!], notes }
}

/** The inputs that the dumper writes of each pass, on one rank. */
function inputsOf(values: readonly Value[], rank: number): Map<number, Omit<Pass, 'number'>> {
  const inputs = new Map<number, Omit<Pass, 'number'>>()
  for (const value of values) {
    if (value.rank !== rank || (value.name !== 'input_ids' && value.name !== 'positions')) continue
    const key = value.name === 'positions' ? 'positions' : 'inputIds'
    inputs.set(value.pass, { ...inputs.get(value.pass), [key]: value.file })
  }
  return inputs
}

function stepOf(logits: readonly Value[], ranks: readonly number[], layer: string, step: number): DumpStep {
  const files: string[] = []
  const problems: string[] = []
  for (const rank of ranks) {
    const [value, again] = logits.filter((one) => one.rank === rank)
    if (value) files.push(value.file)
    if (!value) problems.push(`no ${printable(layer, 60)} of rank ${rank}, unlike the others`)
    else if (again)
      problems.push(
        `several ${printable(layer, 60)} of rank ${rank} in one forward pass (dump_index ${value.index} and ${again.index})`,
      )
  }
  return { step, files, layer, ...(problems.length > 0 && { problem: problems.join('; ') }) }
}
