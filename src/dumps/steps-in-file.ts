import { basename, dirname, extname, join } from 'node:path'
import { GoldenLogitsError } from '../errors.js'
import { readTensors } from '../formats/read-tensors.js'
import { tryListFolder } from '../io/folder.js'
import { type List, listOf } from '../lib/lazy-list.js'
import { isLogitsFile, isTensorFile } from './layouts/flat/names.js'
import { locateRow } from './locate-row.js'
import type { DumpStep, LoadDumpOptions } from './types.js'

/**
 * The steps of a run in one file, for the option `positions: 'steps'`: the positions of its tensor, or the tensors of a tuple
 * or dict. Reads the file's header. A file that cannot be read stays one step, which is unreadable.
 * @throws GoldenLogitsError `invalid-argument` if the dump has several files
 */
export function stepsInFile(path: string, steps: List<DumpStep>, options: LoadDumpOptions): List<DumpStep> {
  const only = steps.length === 1 ? steps.at(0)! : undefined
  if (!only || only.files.length > 1) {
    const holds = only ? `${only.files.length} ranks` : `${steps.length} files of a step each`
    const message = `the option positions: 'steps' is for a run in one file, and this dump has ${holds}; leave it out`
    throw new GoldenLogitsError('invalid-argument', message, { file: path })
  }
  const [file] = only.files
  const count = file === undefined ? 1 : rowsIn(file, options)
  if (count === 1) return steps
  return listOf(count, (position) => ({ step: only.step + position, files: only.files, layer: only.layer, position }))
}

function rowsIn(file: string, { tensor, sequence, budgets }: LoadDumpOptions): number {
  const choice = {
    positions: 'all',
    ...(tensor !== undefined && { tensor }),
    ...(sequence !== undefined && { sequence }),
  } as const
  try {
    const place = locateRow(readTensors(file, budgets && { budgets }), choice, [])
    return place.kind === 'positions' ? place.count : 1
  } catch (error) {
    if (error instanceof GoldenLogitsError) return 1
    throw error
  }
}

/** Names of token ids beside logits: those of OpenVINO wwb, and of transformers. */
const IDS = /^(?:prompt_input_ids|generated_token_ids|input_ids|token_ids|output_ids|ids|tokens)$/

/** No prompt comes near as many tokens. */
const MOST_IDS = 2 ** 22

/**
 * The token ids in files beside a file named `logits`, by name. Files that cannot be read, or hold no ids, are left out. Ids up
 * to 2²⁴ are exact, and no vocabulary has more.
 */
export function tokenIdsBeside(file: string): ReadonlyMap<string, readonly number[]> {
  const ids = new Map<string, readonly number[]>()
  if (!isLogitsFile(basename(file))) return ids
  const folder = dirname(file)
  for (const { name, kind } of tryListFolder(folder).entries) {
    const stem = basename(name, extname(name))
    if (kind !== 'file' || !isTensorFile(name) || !IDS.test(stem)) continue
    try {
      const [only, other] = readTensors(join(folder, name))
      const isIds = only && !other && /^u?int(?:32|64)$/.test(only.dtype) && only.length <= MOST_IDS
      if (isIds) ids.set(stem, [...only.toFloat32()])
    } catch (error) {
      if (!(error instanceof GoldenLogitsError)) throw error
    }
  }
  return ids
}
