import { basename, dirname, extname, join } from 'node:path'
import { printable } from '../errors.js'
import { TENSOR_EXTENSIONS } from '../formats/index.js'
import { kindOf, tryListFolder } from '../io/folder.js'
import type { List } from '../lib/lazy-list.js'
import { info, type Note } from '../lib/note.js'
import { idsInFile, onlyIdsIn } from './ids-in-file.js'
import { tensorFilesIn } from './layouts/flat/names.js'
import { type StepIds, stepIds } from './step-ids.js'
import { type RowOptions, rowsIn } from './steps-in-file.js'
import { factsOf, type IdFacts, type IdLists, isIdsName } from './token-ids.js'
import type { Dump, DumpStep, IgnoredPath } from './types.js'

/** The token ids of a dump, and what follows from them. */
interface FoundIds {
  readonly tokenIds: IdLists
  readonly facts: IdFacts
  /** What the rows of the only file are, if the caller does not say it. */
  readonly positions?: 'all' | 'steps'
  readonly notes: readonly Note[]
  /** The files that hold nothing but ids. */
  readonly files: readonly string[]
}

/**
 * Looks for token ids: in files of logits, and in files beside them, by name. Leaves out what cannot be read. Opens the files
 * of all steps only if the first has ids.
 */
export function findIds(
  steps: List<DumpStep>,
  layout: Dump['layout'],
  options: RowOptions,
  ignored: List<IgnoredPath>,
): FoundIds | undefined {
  const first = steps.at(0)
  const file = first?.files[0]
  if (file === undefined || (layout !== 'file' && layout !== 'flat')) return undefined
  const isOneFile = layout === 'file' && steps.length === 1
  const beside = idsBeside(file, isOneFile, options)
  const notes: Note[] = []
  const held = isOneFile ? idsInFile(file, isIdsName, options, notes) : undefined
  const ofSteps = isOneFile ? undefined : stepIds(steps, ignored, options)
  const names = new Set(ofSteps?.lists.map(({ name }) => name))
  const lists = new Map([...[...beside].map(named), ...(held?.lists ?? [])].filter(([name]) => !names.has(name)))
  const files = [...beside.keys(), ...(ofSteps?.files ?? [])]
  notes.push(...(ofSteps?.notes ?? []))
  if (lists.size === 0 && names.size === 0) {
    return notes.length > 0 ? { tokenIds: lists, facts: { fed: lists }, notes, files } : undefined
  }
  const count = isOneFile ? rowsIn(held!.tensors, options) : steps.at(steps.length - 1)!.step - first!.step + 1
  const isWwb = /^sample_\d{5}$/.test(basename(dirname(file)))
  const facts = factsOf(count, lists, isWwb, isOneFile && count > 1 ? meantBy(options.positions) : 'steps')
  if (ofSteps) return { ...withSteps(lists, facts, ofSteps.lists), notes, files }
  const isDecided = isOneFile && count > 1 && options.positions === undefined && facts.meaning !== undefined
  if (!isDecided) return { tokenIds: lists, facts, notes, files }
  const positions = facts.meaning === 'steps' ? 'steps' : 'all'
  return { tokenIds: lists, facts, positions, notes: [decidedNote(lists, facts), ...notes], files }
}

/** Joins the ids of whole runs and the ids of single steps. */
function withSteps(lists: IdLists, facts: IdFacts, ofSteps: readonly StepIds[]): Pick<FoundIds, 'tokenIds' | 'facts'> {
  const tokenIds = new Map(lists)
  const fed = new Map(facts.fed)
  let { chosen } = facts
  for (const step of ofSteps) {
    tokenIds.set(step.name, step.ids)
    if (step.prompt) fed.set(step.name, step.prompt)
    chosen ??= step.chosen
  }
  return { tokenIds, facts: { ...facts, fed, ...(chosen && { chosen }) } }
}

function meantBy(positions: RowOptions['positions']): IdFacts['meaning'] {
  return positions === 'steps' ? 'steps' : positions === undefined ? undefined : 'positions'
}

function decidedNote(tokenIds: IdLists, { meaning, fed }: IdFacts): Note {
  const what = meaning === 'steps' ? 'the tokens of a run' : 'positions of one text, and each is compared'
  const names = [...(meaning === 'steps' ? tokenIds : fed).keys()].map((name) => printable(name, 40)).sort()
  return info(`the rows of the file are ${what}, as the token ids show (${names.join(', ')})`)
}

function named([file, ids]: readonly [string, readonly number[]]): [string, readonly number[]] {
  return [basename(file, extname(file)), ids]
}

/** Ids in files beside the logits, such as `prompt_input_ids.npy`, by the path of the file. */
function idsBeside(file: string, isOneFile: boolean, options: RowOptions): Map<string, readonly number[]> {
  const lists = new Map<string, readonly number[]>()
  if (isOneFile && !/logits/i.test(basename(file))) return lists
  for (const path of isOneFile ? idsFilesIn(dirname(file)) : idsFilesNear(file)) {
    const ids = onlyIdsIn(path, options)
    if (ids) lists.set(path, ids)
  }
  return lists
}

function idsFilesIn(folder: string): string[] {
  const names = tensorFilesIn(tryListFolder(folder).entries)
  return names.filter((name) => isIdsName(basename(name, extname(name)))).map((name) => join(folder, name))
}

/** Names of ids beside the files of steps, which may be a million: their folder is not listed again. */
const NAMES = [
  'prompt_input_ids',
  'prompt_token_ids',
  'prompt_ids',
  'input_ids',
  'generated_token_ids',
  'generated_ids',
  'output_token_ids',
  'output_ids',
  'sequences',
  'token_ids',
  'tokens',
  'ids',
]

/** In the folder of the steps' files, or the one above if each step has a folder. */
function idsFilesNear(file: string): string[] {
  const folder = dirname(file)
  const folders = /\d$/.test(basename(folder)) ? [folder, dirname(folder)] : [folder]
  const paths = folders.flatMap((place) =>
    NAMES.flatMap((name) => TENSOR_EXTENSIONS.map((ending) => join(place, `${name}${ending}`))),
  )
  return paths.filter((path) => kindOf(path) === 'file')
}
