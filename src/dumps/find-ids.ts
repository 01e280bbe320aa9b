import { basename, dirname, extname, join } from 'node:path'
import { GoldenLogitsError, printable } from '../errors.js'
import { TENSOR_EXTENSIONS } from '../formats/index.js'
import { kindOf, tryListFolder } from '../io/folder.js'
import type { List } from '../lib/lazy-list.js'
import { info, type Note } from '../lib/note.js'
import type { LazyTensor } from '../tensor/tensor.js'
import { isTensorFile } from './layouts/flat/names.js'
import { type RowOptions, rowsIn, tensorsOf } from './steps-in-file.js'
import { factsOf, type IdFacts, type IdLists, idsIn, isIdsName } from './token-ids.js'
import type { Dump, DumpStep } from './types.js'

/** The token ids of a dump, and what follows from them. */
export interface FoundIds {
  readonly tokenIds: IdLists
  readonly facts: IdFacts
  /** What the rows of the only file are, if the caller does not say it. */
  readonly positions?: 'all' | 'steps'
  readonly notes: readonly Note[]
  /** The files that hold nothing but ids. */
  readonly files: readonly string[]
}

/**
 * Looks for token ids: in the file of logits, if there is only one, and in files beside it, by name. What cannot be read, or
 * holds no ids, is left out. Reads the header of the file and the ids.
 */
export function findIds(steps: List<DumpStep>, layout: Dump['layout'], options: RowOptions): FoundIds | undefined {
  const first = steps.at(0)
  const file = first?.files[0]
  if (file === undefined || (layout !== 'file' && layout !== 'flat')) return undefined
  const isOneFile = layout === 'file' && steps.length === 1
  const tensors = isOneFile ? tensorsOf(file, options) : []
  const beside = idsBeside(file, isOneFile, options)
  const files = [...beside.keys()]
  const tokenIds = new Map([...[...beside].map(named), ...idsOf(tensors, options)])
  if (tokenIds.size === 0) return undefined
  const count = isOneFile ? rowsIn(tensors, options) : steps.at(steps.length - 1)!.step - first!.step + 1
  const isWwb = /^sample_\d{5}$/.test(basename(dirname(file)))
  const facts = factsOf(count, tokenIds, isWwb, isOneFile && count > 1 ? meantBy(options.positions) : 'steps')
  const isDecided = isOneFile && count > 1 && options.positions === undefined && facts.meaning !== undefined
  if (!isDecided) return { tokenIds, facts, notes: [], files }
  const positions = facts.meaning === 'steps' ? 'steps' : 'all'
  return { tokenIds, facts, positions, notes: [decidedNote(tokenIds, facts)], files }
}

function meantBy(positions: RowOptions['positions']): IdFacts['meaning'] {
  return positions === 'steps' ? 'steps' : positions === undefined ? undefined : 'positions'
}

function decidedNote(tokenIds: IdLists, { meaning, fed }: IdFacts): Note {
  const what = meaning === 'steps' ? 'the tokens of a run' : 'positions of one text, and each is compared'
  const names = [...(meaning === 'steps' ? tokenIds : fed).keys()].map((name) => printable(name, 40)).sort()
  return info(`the rows of the file are ${what}, as the token ids show (${names.join(', ')})`)
}

function idsOf(tensors: readonly LazyTensor[], { sequence }: RowOptions): Map<string, readonly number[]> {
  const lists = new Map<string, readonly number[]>()
  for (const tensor of tensors) {
    const ids = isIdsName(tensor.name) ? tryRead(() => idsIn(tensor, sequence)) : undefined
    if (ids) lists.set(tensor.name, ids)
  }
  return lists
}

function named([file, ids]: readonly [string, readonly number[]]): [string, readonly number[]] {
  return [basename(file, extname(file)), ids]
}

/** Ids in files beside the logits, such as `prompt_input_ids.npy`, by the path of the file. */
function idsBeside(file: string, isOneFile: boolean, options: RowOptions): Map<string, readonly number[]> {
  const lists = new Map<string, readonly number[]>()
  if (isOneFile && !/logits/i.test(basename(file))) return lists
  for (const path of isOneFile ? idsFilesIn(dirname(file)) : idsFilesNear(file)) {
    const [only, other] = tensorsOf(path, {})
    const ids = only && !other ? tryRead(() => idsIn(only, options.sequence)) : undefined
    if (ids) lists.set(path, ids)
  }
  return lists
}

function tryRead<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof GoldenLogitsError) return undefined
    throw error
  }
}

function idsFilesIn(folder: string): string[] {
  const files = tryListFolder(folder).entries.filter(({ name, kind }) => kind === 'file' && isTensorFile(name))
  return files.map(({ name }) => join(folder, name)).filter((path) => isIdsName(basename(path, extname(path))))
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
