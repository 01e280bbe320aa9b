import type { FolderEntry } from '../../io/folder.js'
import type { FolderNames } from '../../io/folder-names.js'
import type { List } from '../../lib/lazy-list.js'
import type { IgnoredPaths } from '../ignored-paths.js'
import type { Dump, DumpStep, LoadDumpOptions } from '../types.js'
import type { DeviceSelection, FileSelection } from './selection.js'

/** What the scan of every layout is given. */
export interface ScanContext {
  /** As the caller wrote it, for errors. */
  readonly path: string
  readonly options: LoadDumpOptions
  /** Takes what the scan leaves out. */
  readonly ignored: IgnoredPaths
}

/** What the scan of every layout returns. */
export interface LayoutScan {
  steps: List<DumpStep>
  notes: string[]
  stepsAssumed: boolean
}

/** The note for one of several runs or cases, which the caller chose by the option `run`. */
export function chosenNote(noun: string, name: string, others: number): string {
  return `${noun} ${name} is compared (option run); ${others} other ${noun}${others === 1 ? ' is' : 's are'} ignored`
}

/** A layout whose steps are folders: `{device}_{PID}/{TID}/{layer}/…`. */
export interface FolderLayout {
  readonly kind: 'folders'
  readonly name: Dump['layout']
  /** The path of a logits file, for the error about a path without a dump. */
  readonly example: string
  /** Does this entry show that the folder it lies in is a layer folder of this layout? */
  detect(entry: FolderEntry): boolean
  /** The layer folder of a logits file, undefined if the file has another name than this layout gives. */
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
  readonly example: string
  /** Is a file with this name a step? Names that differ only by the step must give the same answer. */
  detect(name: string): boolean
  scan(files: readonly FileSelection[], context: ScanContext): LayoutScan
}

export type Layout = FolderLayout | FileLayout
