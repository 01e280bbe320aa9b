import { basename, dirname, extname, join } from 'node:path'
import { printable } from '../errors.js'
import { kindOf, tryListFolder } from '../io/folder.js'
import type { List } from '../lib/lazy-list.js'
import { info, type Note } from '../lib/note.js'
import { tryRead } from '../lib/try-read.js'
import { idsInFile, onlyIdsIn } from './ids-in-file.js'
import { isLogitsFile, parseFlat, tensorFilesIn } from './layouts/flat/names.js'
import type { RowOptions } from './steps-in-file.js'
import { type Role, roleOfStep } from './token-ids.js'
import type { DumpStep, IgnoredPath } from './types.js'

/** Token ids of which each step has its own, put together to lists of the run. */
export interface StepIds {
  readonly name: string
  /** All of them, in the order of the text. */
  readonly ids: readonly number[]
  /** What the first step was fed; absent if the ids are those that were chosen. */
  readonly prompt?: readonly number[]
  /** The id chosen after each step; the last may be absent. Absent if only the prompt is there. */
  readonly chosen?: readonly number[]
}

/** What each step has: by its index in the dump. */
type IdsAt = (index: number) => readonly number[] | undefined

/**
 * Token ids of a step each: in files beside the logits (`ids_0.npy`, `0/token_ids.npy`), or in the steps' own files (a dict
 * of logits and ids). Opens the file of each step only if the first has ids.
 */
export function stepIds(
  steps: List<DumpStep>,
  ignored: List<IgnoredPath>,
  options: RowOptions,
): { lists: StepIds[]; files: string[]; notes: Note[] } {
  const first = steps.at(0)!.files[0]!
  const files: string[] = []
  const notes: Note[] = []
  const lists: StepIds[] = []
  const add = (name: string, at: IdsAt): boolean => {
    const list = joined(name, roleOfStep(name)!, steps, at)
    if (typeof list !== 'string') lists.push(list)
    else notes.push(info(`the token ids of the steps (${printable(name, 40)}) are not compared: ${list}`))
    return typeof list !== 'string'
  }
  for (const [name, pathAt] of isLogitsFile(basename(first))
    ? inFolders(first, steps)
    : beside(first, steps, ignored)) {
    const paths: string[] = []
    const isRead = add(name, (index) => {
      const path = pathAt(index)
      if (path !== undefined) paths.push(path)
      return path === undefined ? undefined : onlyIdsIn(path, options)
    })
    // Files that are not compared stay ignored, in sight of the user.
    if (isRead) for (const path of paths) files.push(path)
  }
  // A .npy file holds one array.
  const inside = /\.npy$/i.test(first) ? [] : idsIn(first, options, notes).keys()
  for (const name of inside) {
    add(name, (index) => {
      const file = steps.at(index)!.files[0]
      return file === undefined ? undefined : idsIn(file, options).get(name)
    })
  }
  return { lists, files, notes }
}

function idsIn(file: string, options: RowOptions, notes?: Note[]) {
  return idsInFile(file, (name) => roleOfStep(name) !== undefined, options, notes).lists
}

type PathAt = (index: number) => string | undefined

/** Files of ids in the folder of the steps' files, by the number in their names. */
function beside(first: string, steps: List<DumpStep>, ignored: List<IgnoredPath>): [string, PathAt][] {
  const folder = dirname(first)
  const series = new Map<string, Map<number, string>>()
  for (const { path } of ignored) {
    const flat = dirname(path) === folder ? parseFlat(basename(path)) : undefined
    if (!flat || roleOfStep(flat.run) === undefined) continue
    const paths = series.get(flat.run) ?? new Map<number, string>()
    series.set(flat.run, paths.set(flat.step, path))
  }
  const numberAt = (index: number) => {
    const file = steps.at(index)!.files[0]
    return file === undefined ? undefined : parseFlat(basename(file))?.step
  }
  return [...series].map(([name, paths]) => [name, (index) => paths.get(numberAt(index) ?? -1)])
}

/** Files of ids in the folder of each step. */
function inFolders(first: string, steps: List<DumpStep>): [string, PathAt][] {
  const files = tensorFilesIn(tryListFolder(dirname(first)).entries)
  const names = files.filter((name) => roleOfStep(basename(name, extname(name))) !== undefined)
  return names.map((name) => [
    basename(name, extname(name)),
    (index) => {
      const file = steps.at(index)!.files[0]
      const path = file === undefined ? undefined : join(dirname(file), name)
      return path !== undefined && tryRead(() => kindOf(path)) === 'file' ? path : undefined
    },
  ])
}

/**
 * The lists of a run from the ids of its steps. An id a step is the one that was chosen after it, unless its name says that it
 * was fed. Ids that begin with several, a prompt, and those that grow by one a step, were fed: each but the first was chosen
 * after the step before.
 * @returns a string that says why they are no lists of a run
 */
function joined(name: string, role: Role, steps: List<DumpStep>, at: IdsAt): StepIds | string {
  const all = collect(steps, at)
  if (typeof all === 'string') return all
  const { ids, missing } = all
  // A prompt may be saved with the first step alone.
  if (missing !== undefined && !(role === 'fed' && ids.length === 1)) return `token ${missing} has none`
  if (role !== 'fed' && ids.every(({ length }) => length === 1)) return { name, ids: ids.flat(), chosen: ids.flat() }
  const from = steps.at(0)!.step
  if (role === 'chosen' || (role === 'text' && steps.length === 1)) {
    const step = ids.findIndex(({ length }) => length !== 1)
    return `token ${from + step} has ${ids[step]!.length}, expected 1`
  }
  const [prompt, ...others] = ids as [readonly number[], ...(readonly number[])[]]
  const chosen: number[] = []
  for (const [i, next] of others.entries()) {
    const before = ids[i]!
    const hasGrown = next.length === before.length + 1 && before.every((id, place) => id === next[place])
    if (next.length !== 1 && !hasGrown) {
      return `token ${from + i + 1} has ${next.length}, expected 1, or one more than the token before`
    }
    chosen.push(next.at(-1)!)
  }
  return { name, ids: [...prompt, ...chosen], prompt, ...(chosen.length > 0 && { chosen }) }
}

/** The ids of each step up to the first that has none, which is said unless it is the last: nothing follows it in some runs. */
function collect(steps: List<DumpStep>, at: IdsAt): { ids: (readonly number[])[]; missing?: number } | string {
  const from = steps.at(0)!.step
  const ids: (readonly number[])[] = []
  for (let index = 0; index < steps.length; index++) {
    const { step } = steps.at(index)!
    const next = step === from + index ? at(index) : undefined
    if (next) ids.push(next)
    else if (index === 0) return `token ${from} has none that can be read`
    else return index === steps.length - 1 && step === from + index ? { ids } : { ids, missing: from + index }
  }
  return { ids }
}
