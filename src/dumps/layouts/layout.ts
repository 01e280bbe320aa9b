import { GoldenLogitsError, invalidArgument, printable } from '../../errors.js'
import type { FolderEntry } from '../../io/folder.js'
import type { FolderNames } from '../../io/folder-names.js'
import { firstOf, type List } from '../../lib/lazy-list.js'
import { info, type Note, warning } from '../../lib/note.js'
import { listed } from '../../lib/number-text.js'
import type { IgnoredPaths } from '../ignored-paths.js'
import type { IdFacts, IdLists } from '../token-ids.js'
import type { Dump, DumpKind, DumpStep, DumpText, LoadDumpOptions } from '../types.js'
import type { DeviceSelection, FileSelection } from './selection.js'

/** The input of every layout's scan. */
export interface ScanContext {
  /** As the caller wrote it, for errors. */
  readonly path: string
  readonly options: LoadDumpOptions
  /** The scan adds the paths that it does not use. */
  readonly ignored: IgnoredPaths
}

/** The result of every layout's scan. */
export interface LayoutScan {
  /** If not that of the layout: `file` if the file holds a run of which nothing shows how. */
  layout?: Dump['layout']
  steps: List<DumpStep>
  notes: Note[]
  stepsAssumed: boolean
  /** True if all steps come from a decoder's head, so that none holds a prompt. */
  decodeOnly?: boolean
  /** Token ids that the layout itself knows of, and what they say. */
  tokenIds?: IdLists
  ids?: IdFacts
  /** As in `Dump`. */
  kind?: DumpKind
  text?: DumpText
  rows?: NonNullable<Dump['rows']>
}

/** The scan of a layout that is named. */
export interface NamedScan extends LayoutScan {
  layout: Dump['layout']
}

/** One of the runs in a file: an answer of a server, or a prompt with golden logits. */
export interface FileRun {
  /** Its number in the file. */
  readonly name: string
  readonly scan: NamedScan
}

/** What to do about tables of statistics in place of tensors. */
export const STATISTICS_ADVICE =
  'statistics hold no logits; dump again with tensors (torch: DumpConfig(dump_last_logits=True); ATB: msit llm dump --type model tensor; msprobe: "task": "tensor")'

/** The name of a table of statistics that a tool writes in place of a tensor. */
export const STATISTICS_NAME = /^statistics?\.csv$/

/**
 * Refuses a dump of which every step holds statistics. If only some do, those are unreadable.
 * @param expected the file that holds the logits
 */
export function refuseStatistics(steps: List<DumpStep>, expected: string, path: string): void {
  const other = firstOf(steps, ({ problem }) => !problem?.endsWith(STATISTICS_ADVICE))
  if (steps.length === 0 || other !== undefined) return
  const message = `its layers hold tables of statistics and no ${expected}: ${STATISTICS_ADVICE}`
  throw new GoldenLogitsError('nothing-to-compare', message, { file: path })
}

/**
 * The note for layers that are read although their names are not names of an LM head, because there are no others.
 * @param name the layers as the option `layer` names them
 */
export function onlyLayerNote(name: string): Note {
  const layer = printable(name, 60)
  const text = `the dump has no other layer than ${layer}, so that is taken for the LM head, although its name does not show it`
  return warning(text, `set loadDump's option layer: '${layer}'`)
}

/**
 * The one of several runs, cases or prompts that the option `run` names, or the only one.
 * @param namesOf the names that the option may give to one; messages show the first of them
 * @param holds begins the message: `holds 3 runs`
 * @param others how several can be compared at once, after the advice to choose one
 * @throws GoldenLogitsError `ambiguous-run` if several match, `invalid-argument` if none has the name
 */
export function pickNamed<T>(
  all: readonly T[],
  namesOf: (item: T) => readonly string[],
  holds: string,
  { path, options: { run } }: Pick<ScanContext, 'path' | 'options'>,
  others = '',
): T {
  const matches = run === undefined ? all : all.filter((item) => namesOf(item).includes(run))
  if (matches.length === 1) return matches[0]!
  const names = all.map((item) => printable(namesOf(item)[0]!, 60))
  const isKnown = run === undefined || matches.length > 0
  const advice = isKnown
    ? `choose one with the option run: '${names[0]}'${others}`
    : `the option run: '${printable(run, 60)}' names none of them`
  const message = `${holds}: ${listed(names, 5)}; ${advice}`
  throw new GoldenLogitsError(isKnown ? 'ambiguous-run' : 'invalid-argument', message, { file: path })
}

/** How several runs can be compared at once: the end of a message of `pickNamed`. */
export const OR_ALL = ", or compare all with run: 'all'"

/**
 * The index of the rank that the option `ranks` takes alone; undefined if it takes all.
 * @throws GoldenLogitsError `invalid-argument` if there is no such rank
 */
export function rankAlone({ path, options: { ranks } }: Pick<ScanContext, 'path' | 'options'>, count: number) {
  if (typeof ranks !== 'number') return undefined
  if (ranks < count) return ranks
  const last = count === 1 ? 'it is a single rank (ranks: 0)' : `its ${count} ranks are numbered from 0 to ${count - 1}`
  const message = `the option ranks asks for rank ${ranks}, but ${last}`
  throw new GoldenLogitsError('invalid-argument', message, { file: path })
}

/**
 * Refuses options that choose what a dump does not leave open.
 * @param dump what the dump is, for the message
 * @throws GoldenLogitsError `invalid-argument`
 */
export function refuseOptions(
  options: LoadDumpOptions,
  pointless: readonly (keyof LoadDumpOptions)[],
  dump: string,
): void {
  const name = pointless.find((option) => options[option] !== undefined)
  if (name !== undefined) throw invalidArgument(`the option ${name} has no meaning for ${dump}; leave it out`)
}

/** Steps in their order; if the option `firstStep` is set, numbered from it on. */
export function sortedSteps(steps: readonly DumpStep[], { firstStep }: LoadDumpOptions): DumpStep[] {
  const sorted = [...steps].sort((a, b) => a.step - b.step)
  const shift = firstStep === undefined ? 0 : firstStep - (sorted[0]?.step ?? 0)
  return sorted.map((step) => ({ ...step, step: step.step + shift }))
}

/** What a folder holds, for a message: its first entries. */
export function describeContent(entries: readonly FolderEntry[]): string {
  if (entries.length === 0) return 'the folder is empty'
  const some = entries.slice(0, 3).map(({ name }) => printable(name, 40))
  return `found ${some.join(', ')}`
}

/** The note for one of several runs or cases, which the caller chose by the option `run`. */
export function chosenNote(noun: string, name: string, others: number): Note {
  return info(
    `${noun} ${name} is compared (option run); ${others} other ${noun}${others === 1 ? ' is' : 's are'} ignored`,
  )
}

/** A layout whose steps are folders: `{device}_{PID}/{TID}/{layer}/…`. */
export interface FolderLayout {
  readonly kind: 'folders'
  readonly name: Dump['layout']
  /** Paths of logits files, for the error about a path without a dump. */
  readonly examples: readonly string[]
  /** Does this entry show that its folder is a layer folder of this layout? */
  detect(entry: FolderEntry): boolean
  /** The layer folder of a logits file, undefined if this layout has no logits file of this name. */
  layerOf(file: string): string | undefined
  /** The logits file of a layer folder. */
  logitsOf(layer: string, names: FolderNames): string | undefined
  /** The logits file in a folder inside a layer folder, if the layout has such folders. */
  logitsInside?(folder: string, names: FolderNames): string | undefined
  /** @param ranks the device folders of one run, in numeric device order */
  scan(ranks: readonly DeviceSelection[], context: ScanContext): LayoutScan
}

/** A layout whose steps are files with a number in their name, in one folder. */
export interface FileLayout {
  readonly kind: 'files'
  readonly name: Dump['layout']
  readonly examples: readonly string[]
  /** Is a file with this name a step? Names that differ only by the step must give the same answer. */
  detect(name: string): boolean
  scan(files: readonly FileSelection[], context: ScanContext): LayoutScan
}

/** A layout that is recognised by a folder as a whole, and scans it by itself. */
export interface TreeLayout {
  readonly kind: 'tree'
  readonly name: Dump['layout']
  readonly examples: readonly string[]
  /** Is this folder a dump of this layout, by the names in it and below it? */
  detect(folder: string, names: FolderNames): boolean
  scan(folder: string, context: ScanContext): LayoutScan
}

export type Layout = FolderLayout | FileLayout | TreeLayout
