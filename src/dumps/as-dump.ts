import { GoldenLogitsError, printable } from '../errors.js'
import { resolveBudgets } from '../io/budgets.js'
import { type FilePath, isUrl } from '../lib/file-path.js'
import type { List } from '../lib/lazy-list.js'
import type { Note } from '../lib/note.js'
import { typedArray } from '../tensor/memory-tensor.js'
import { loadDump } from './load.js'
import type { Dump, DumpRun, DumpStep, IgnoredPath } from './types.js'

/** What a comparison accepts on either side: the result of `loadDump`, or a path, `file:` URL or pattern for it. */
export type DumpOrPath = Dump | FilePath

/**
 * Opens a path; takes a dump as it is, if it looks as `loadDump` makes it: callers may pass anything.
 * @throws GoldenLogitsError `invalid-argument`, `nothing-to-compare`, and what `loadDump` throws
 */
export function asDump(side: 'golden' | 'dump', value: unknown): Dump {
  const dump = asDumpOrRuns(side, value)
  if (!dump.runs) return dump
  const message = `the ${side} holds ${dump.runs.length} runs (option run: 'all'), and only toMatchGoldenLogits and compareDumps compare several; choose one with loadDump's option run: '${printable(dump.runs[0]?.name ?? '', 60)}'`
  throw new GoldenLogitsError('invalid-argument', message, { file: dump.path })
}

/** The same for a dump that may hold several runs. */
export function asDumpOrRuns(side: 'golden' | 'dump' | 'baseline', value: unknown): Dump {
  if (typeof value === 'string' || isUrl(value)) return loadDump(value)
  const dump = value as Dump | null | undefined
  const looksLike = typeof dump === 'object' && dump !== null && isList(dump.steps) && typeof dump.path === 'string'
  if (!looksLike) throw noDump(side, value)
  if (dump.steps.length === 0) {
    throw new GoldenLogitsError('nothing-to-compare', `the ${side} holds no step`, { file: dump.path })
  }
  const flaw = flawOf(dump)
  if (flaw === undefined) return dump
  const message = `the ${side} must be a path or what loadDump or logitsOf returned, got a dump ${flaw}`
  throw new GoldenLogitsError('invalid-argument', message, { file: dump.path })
}

function noDump(side: string, value: unknown): GoldenLogitsError {
  const type =
    value === null ? 'null' : typeof value === 'object' ? `a ${constructorName(value as object)}` : typeof value
  const message = `the ${side} must be a path or what loadDump or logitsOf returned, got ${type}${hintFor(value)}`
  return new GoldenLogitsError('invalid-argument', message)
}

function hintFor(value: unknown): string {
  if (value instanceof Promise) return ' (loadDump is synchronous: there is nothing to await)'
  const isTensor = typeof value === 'object' && value !== null && ('data' in value || typedArray(value) !== undefined)
  return isTensor || Array.isArray(value) ? ' (for logits in memory, pass logitsOf(…) of them)' : ''
}

function constructorName(value: object): string {
  const maker: unknown = value.constructor
  return typeof maker === 'function' ? printable(maker.name, 40) : 'bare object'
}

/** What is not as `loadDump` makes it. */
function flawOf({ steps, notes, ignored, ranks, budgets, runs, tokenIds, ids }: Dump): string | undefined {
  let index = 0
  for (const step of steps) {
    if (!isStep(step)) return `whose steps[${index}] is no step with its files`
    index++
  }
  if (!Array.isArray(notes) || !notes.every(isNote)) return 'whose notes are no list of texts and weights'
  if (!isList(ignored) || !areIgnored(ignored)) return 'whose ignored is no list of paths and reasons'
  if (ranks !== undefined && ranks !== 'split' && ranks !== 'copies')
    return "whose ranks are neither 'split' nor 'copies'"
  resolveBudgets(budgets)
  const maps = ids === undefined ? [tokenIds] : [tokenIds, ids?.fed]
  if (maps.some((map) => map !== undefined && !(map instanceof Map))) return 'whose token ids are no Map of lists'
  if (runs !== undefined && !(Array.isArray(runs) && runs.length > 0 && runs.every(isRun)))
    return 'whose runs are no list of names and dumps'
  return undefined
}

function isList(value: unknown): value is List<unknown> {
  const list = value as Partial<List<unknown>> | null | undefined
  if (typeof list !== 'object' || list === null || !Number.isSafeInteger(list.length)) return false
  return typeof list.at === 'function' && typeof list[Symbol.iterator] === 'function'
}

function areIgnored(ignored: List<IgnoredPath>): boolean {
  for (const entry of ignored) if (!isString(entry?.path) || !isString(entry?.reason)) return false
  return true
}

function isRun(run: Partial<DumpRun> | null | undefined): boolean {
  if (!isString(run?.name) || typeof run.dump !== 'object' || run.dump === null || run.dump.runs) return false
  return isList(run.dump.steps) && isString(run.dump.path) && flawOf(run.dump) === undefined
}

function isNote(note: Partial<Note> | null | undefined): boolean {
  return isString(note?.text) && (note?.weight === 'warning' || note?.weight === 'info')
}

function isStep(step: DumpStep | null | undefined): boolean {
  if (typeof step !== 'object' || step === null) return false
  const { files, layer, problem, tensor, position } = step
  return (
    typeof step.step === 'number' &&
    Array.isArray(files) &&
    files.every((file) => isString(file) && file !== '' && !file.includes('\0')) &&
    isString(layer) &&
    (tensor === undefined || typeof tensor?.readRaw === 'function') &&
    (problem === undefined || isString(problem)) &&
    (position === undefined || (Number.isSafeInteger(position) && position >= 0))
  )
}

function isString(value: unknown): value is string {
  return typeof value === 'string'
}
