import { GoldenLogitsError, printable } from '../../errors.js'
import type { FolderEntry } from '../../io/folder.js'
import type { FolderNames } from '../../io/folder-names.js'
import { firstOf, type List } from '../../lib/lazy-list.js'
import { info, type Note, warning } from '../../lib/note.js'
import type { IgnoredPaths } from '../ignored-paths.js'
import type { IdFacts, IdLists } from '../token-ids.js'
import type { Dump, DumpStep, LoadDumpOptions } from '../types.js'
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
