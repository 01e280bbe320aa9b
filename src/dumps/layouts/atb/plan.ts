import { GoldenLogitsError } from '../../../errors.js'
import type { List } from '../../../lib/lazy-list.js'
import { info, type Note, warning } from '../../../lib/note.js'
import { listed } from '../../../lib/number-text.js'
import { mergeAscending } from '../../ranks.js'
import type { LoadDumpOptions } from '../../types.js'
import type { Executions, Layers } from './executions.js'
import { readTopology } from './topology.js'

/** Consecutive executions in which the same head emits one step each: execution `tid` holds step `tid + shift`. */
export interface StepRun {
  readonly head: number
  readonly from: number
  readonly to: number
  readonly shift: number
}

interface Plan {
  /** In ascending order of steps. */
  runs: StepRun[]
  notes: Note[]
  /** True if the step numbers rest on an assumption. */
  assumed: boolean
  /** True if only the decoder's head was dumped. */
  decodeOnly?: boolean
}

/** What is known of a dump before its steps are. */
interface Given {
  /** As the caller wrote it, for errors. */
  readonly path: string
  readonly ranks: readonly Executions[]
  /** The executions of all ranks, ascending. */
  readonly tids: List<number>
  readonly options: LoadDumpOptions
}

/**
 * Decides which execution and which head hold which step.
 * @param path as the caller wrote it, for errors
 * @param heads ascending, one or two
 * @throws GoldenLogitsError `invalid-argument` if the option `prefill` does not fit this dump
 */
export function planSteps(
  path: string,
  ranks: readonly Executions[],
  heads: readonly number[],
  options: LoadDumpOptions,
): Plan {
  const given = { path, ranks, tids: mergeAscending(ranks.map((rank) => rank.tids)), options }
  const [prefill, decoder] = heads
  return decoder === undefined ? planOneHead(prefill!, given) : planTwoHeads(prefill!, decoder, given)
}

function planTwoHeads(prefill: number, decoder: number, { path, ranks, tids, options }: Given): Plan {
  const prefills = executionsWith(ranks, prefill)
  const start = startOf(path, prefills, options)
  const next = prefills.find((tid) => tid > start)
  const last = lastBefore(tids, next ?? Number.POSITIVE_INFINITY)
  const base = options.firstStep ?? 0
  const runs: StepRun[] = [{ head: prefill, from: start, to: start, shift: base - start }]
  // An execution without the decoder's head keeps its step, as an unreadable one. The first execution has no decoder head
  // if only one token was generated.
  if (start < last || ranks.some((rank) => layersOf(rank, start)?.has(decoder))) {
    runs.push({ head: decoder, from: start, to: last, shift: base - start + 1 })
  }
  const notes = startNotes(tids, start, next, prefill, options)
  if (options.firstStep !== undefined)
    notes.push(info(`firstStep ${base}: the prefill of execution ${start} is step ${base}`))
  return { runs, notes, assumed: false }
}

/** The execution in which the run starts: the one in the option `prefill`, else the last that has the prefill head. */
function startOf(path: string, prefills: readonly number[], { prefill }: LoadDumpOptions): number {
  if (typeof prefill !== 'number') return prefills.at(-1)!
  if (prefills.includes(prefill)) return prefill
  const message = `the option prefill: ${prefill} names an execution without the prefill head; it is in ${listed(prefills, 8)}`
  throw new GoldenLogitsError('invalid-argument', message, { file: path })
}

/** Which executions are outside the run. It is a guess unless the option `prefill` confirms it. */
function startNotes(
  tids: List<number>,
  start: number,
  next: number | undefined,
  head: number,
  { prefill }: LoadDumpOptions,
): Note[] {
  const [first, last] = [tids.at(0)!, tids.at(tids.length - 1)!]
  const before = first < start ? rangeOf(first, lastBefore(tids, start)) : undefined
  if (prefill === undefined) {
    if (before === undefined) return []
    const why = `the prefill head ${head} last occurs in execution ${start}; the run is read from there`
    return [warning(`${before} taken for a warm-up: ${why}`, "set loadDump's option prefill: 'last'")]
  }
  const outside: string[] = []
  if (before !== undefined) outside.push(`${before} ignored as a warm-up`)
  if (next !== undefined) outside.push(`${rangeOf(next, last)} ignored as a later run`)
  if (outside.length === 0) return []
  return [info(`prefill: ${quoted(prefill)}: the run starts at execution ${start}; ${outside.join(', ')}`)]
}

function quoted(prefill: 'last' | number): string {
  return typeof prefill === 'number' ? `${prefill}` : `'${prefill}'`
}

function rangeOf(first: number, last: number): string {
  return first === last ? `execution ${first}` : `executions ${first} to ${last}`
}

/** The last execution before another one, which need not be in the list. */
function lastBefore(tids: List<number>, end: number): number {
  let last = tids.at(0)!
  for (let i = tids.length - 1; i >= 0; i--) {
    last = tids.at(i)!
    if (last < end) break
  }
  return last
}

/** The executions that have a head in any rank, ascending. */
function executionsWith(ranks: readonly Executions[], head: number): number[] {
  const tids = new Set<number>()
  for (const rank of ranks) {
    for (let i = 0; i < rank.length; i++) if (rank.layersAt(i).has(head)) tids.add(rank.tids.at(i)!)
  }
  return [...tids].sort((a, b) => a - b)
}

function layersOf(rank: Executions, tid: number): Layers | undefined {
  for (let i = 0; i < rank.length; i++) if (rank.tids.at(i) === tid) return rank.layersAt(i)
  return undefined
}

function planOneHead(head: number, given: Given): Plan {
  const { path, ranks, tids, options } = given
  const { models, heads } = readTopology(ranks[0]!.selection.folder)
  if (heads.length === 2 && head === heads[0]) return planPrefillOnly(head, given)
  const decoderOnly = heads.length === 2 ? head === heads[1] : models === 2 && heads.length === 0
  if (options.prefill !== undefined) throw noPrefillHead(path, head, decoderOnly)
  const [first, last] = [tids.at(0)!, tids.at(tids.length - 1)!]
  const shift = options.firstStep !== undefined ? options.firstStep - first : decoderOnly ? 1 : 0
  const notes: Note[] = []
  if (options.firstStep !== undefined) {
    notes.push(info(`firstStep ${options.firstStep}: execution ${first} is step ${options.firstStep}`))
  } else if (decoderOnly) {
    const guess = `only the decoder's head ${head} was dumped: execution n taken for step n + 1`
    const settle = `set loadDump's option firstStep: ${first + 1}; if there was a warm-up, firstStep: ${first}`
    notes.push(warning(guess, settle))
  }
  const runs = [{ head, from: first, to: last, shift }]
  return { runs, notes, assumed: options.firstStep === undefined, decodeOnly: decoderOnly }
}

/** With the prefill head alone, only one execution is a step of the run. */
function planPrefillOnly(head: number, { path, ranks, tids, options }: Given): Plan {
  const named = typeof options.prefill === 'number'
  const start = named ? startOf(path, executionsWith(ranks, head), options) : tids.at(tids.length - 1)!
  const base = options.firstStep ?? 0
  const compared = `step ${base} alone is compared, from execution ${start}`
  const isGuess = tids.length > 1 && options.prefill === undefined
  const text = `only the prefill head ${head} was dumped: ${compared}`
  const note = isGuess
    ? warning(text, "set loadDump's option prefill: 'last'")
    : info(options.prefill === undefined ? text : `prefill: ${quoted(options.prefill)}: ${compared}`)
  const runs = [{ head, from: start, to: start, shift: base - start }]
  return { runs, notes: [note], assumed: isGuess && options.firstStep === undefined }
}

function noPrefillHead(path: string, head: number, decoderOnly: boolean): GoldenLogitsError {
  const has = decoderOnly ? `only the decoder's head ${head}` : `one head ${head} for prefill and decode`
  const message = `the option prefill needs a dump with a prefill head, and this one has ${has}; set firstStep, the step of its first execution`
  return new GoldenLogitsError('invalid-argument', message, { file: path })
}
