import { GoldenLogitsError } from '../errors.js'
import { readTensors } from '../formats/read-tensors.js'
import { type List, listOf } from '../lib/lazy-list.js'
import { tryRead } from '../lib/try-read.js'
import type { LazyTensor } from '../tensor/tensor.js'
import type { NamedScan } from './layouts/layout.js'
import { locateRow, type RowChoice } from './locate-row.js'
import type { Dump, DumpStep, LoadDumpOptions } from './types.js'

export type RowOptions = RowChoice & Pick<LoadDumpOptions, 'budgets'>

/**
 * The steps of a run in one file, for the option `positions: 'steps'`: the positions of its tensor, or the tensors of a tuple
 * or dict. Reads the file's header. A file that cannot be read stays one step, which is unreadable.
 * @throws GoldenLogitsError `invalid-argument` if the dump has several files
 */
export function stepsInFile(path: string, steps: List<DumpStep>, options: RowOptions): List<DumpStep> {
  const only = steps.length === 1 ? steps.at(0)! : undefined
  if (!only || only.files.length > 1) {
    const holds = only ? `${only.files.length} ranks` : `${steps.length} files of a step each`
    const message = `the option positions: 'steps' is for a run in one file, and this dump has ${holds}; leave it out`
    throw new GoldenLogitsError('invalid-argument', message, { file: path })
  }
  const [file] = only.files
  const count = file === undefined ? 1 : rowsIn(tensorsOf(file, options), options)
  if (count === 1) return steps
  return listOf(count, (position) => ({ step: only.step + position, files: only.files, layer: only.layer, position }))
}

/**
 * The only file of a flat dump may hold a run or a prompt. Then the number in its name (`run_2.npz`, `bf16.npy`) is no step, and
 * what its rows are is decided as of a file outside any layout, unless the caller says which row counts.
 */
export function asRun(scan: NamedScan, options: LoadDumpOptions): NamedScan {
  const isUndecided = options.positions === undefined || options.positions === 'steps'
  const only = scan.layout === 'flat' && scan.steps.length === 1 && isUndecided ? scan.steps.at(0)! : undefined
  const file = only?.files[0]
  if (!only || file === undefined || rowsIn(tensorsOf(file, options), options) === 1) return scan
  const stepsAssumed = options.firstStep === undefined
  return { ...scan, layout: 'file', steps: [{ ...only, step: options.firstStep ?? 0 }], stepsAssumed }
}

/** The same dump with a step for each row of its file. */
export function withSteps(dump: Dump): Dump {
  const { path, steps, rows, budgets } = dump
  return { ...dump, steps: stepsInFile(path, steps, { ...rows, budgets }), rows: { ...rows, positions: 'steps' } }
}

/** Nothing for a file that cannot be read. */
export function tensorsOf(file: string, { budgets }: RowOptions): readonly LazyTensor[] {
  return tryRead(() => readTensors(file, budgets && { budgets })) ?? []
}

/** The rows of logits in a file; 1 if it cannot be read or its logits are not known. */
export function rowsIn(tensors: readonly LazyTensor[], { tensor, sequence }: RowOptions): number {
  if (tensors.length === 0) return 1
  const place = locateRow(tensors, { tensor, positions: 'steps', sequence }, [])
  return place.kind === 'positions' ? place.count : 1
}
