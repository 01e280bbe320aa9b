import type { Dump, DumpRun } from '../dumps/types.js'
import { GoldenLogitsError, printable } from '../errors.js'
import { groupBy } from '../lib/group-by.js'
import { type List, listOf } from '../lib/lazy-list.js'
import { listed } from '../lib/number-text.js'
import { PRECISIONS } from '../metrics/precision.js'
import { calibratedRunLimits } from './calibration/judge.js'
import { MOST_CANDIDATES } from './candidates.js'
import { inconclusiveReason } from './comparable.js'
import { ignoredNotes } from './conclude.js'
import type { CompareSettings } from './options.js'
import { closeCalls, failsRun, judgeRun, leastTokens, type RunLimits } from './run-limits.js'
import { runStatistics } from './statistics.js'
import type { Counts, ListedComparison, RunResult, RunVerdict, TokenComparison } from './types.js'

type Compare = (dump: Dump, golden: Dump, settings: CompareSettings) => ListedComparison

interface Run {
  readonly name: string
  readonly comparison: ListedComparison
  readonly pass: boolean
  /** The highest KL divergence of its failing tokens, or, if it passes, of all; infinite if one could not be measured. */
  readonly badness: number
}

/**
 * Compares two sides of several runs as one: each run with the one of the same name, by itself, so that a flip in one says
 * nothing about another. A run of one side alone is missing or extra, token by token.
 * @throws GoldenLogitsError `invalid-argument` if only one side has runs, or no run has the same name on both
 */
export function compareRuns(dump: Dump, golden: Dump, settings: CompareSettings, compare: Compare): ListedComparison {
  const pairs = pairRuns(dump, golden)
  if (settings.tokenIds) {
    const message = `the option tokenIds gives the vocab ids of one run, and there are ${pairs.length}; choose one with loadDump's option run`
    throw new GoldenLogitsError('invalid-argument', message, { file: dump.path })
  }
  // How many tokens must be comparable is decided over all runs, and so are the limits on the run.
  const inner: CompareSettings = {
    ...settings,
    minComparable: 0,
    runLimits: {},
    mostCandidates: Math.max(1, Math.floor(MOST_CANDIDATES / pairs.length)),
  }
  const compared = pairs.map((pair) => compareNamed(pair, inner, compare))
  const precision = settings.precision ?? coarsest(compared)
  const runs = compared.map((comparison, i) => {
    const sameLimits = comparison.thresholds.precision === precision || comparison.counts.compared === 0
    const { name } = pairs[i]!
    const judged = sameLimits ? comparison : compareNamed(pairs[i]!, { ...inner, precision }, compare)
    return runOf(name, withRunLimits(name, judged, settings.runLimits))
  })
  runs.sort((a, b) => Number(a.pass) - Number(b.pass) || b.badness - a.badness)
  return merge(runs, dump, golden, settings)
}

interface RunPair extends Readonly<Record<'dump' | 'golden', Dump>> {
  readonly name: string
}

function pairRuns(dump: Dump, golden: Dump): RunPair[] {
  if (!dump.runs || !golden.runs) {
    const [side, other] = dump.runs ? ['golden', 'dump'] : ['dump', 'golden']
    const message = `the ${other} holds several runs (option run: 'all') and the ${side} is one run; load both with run: 'all', or choose one run of the ${other}`
    throw new GoldenLogitsError('invalid-argument', message, { file: (dump.runs ? golden : dump).path })
  }
  const ofDump = new Map(dump.runs.map((run) => [run.name, run]))
  const ofGolden = new Map(golden.runs.map((run) => [run.name, run]))
  const names = [...new Set([...ofGolden.keys(), ...ofDump.keys()])]
  if (!names.some((name) => ofGolden.has(name) && ofDump.has(name))) {
    const [g, d] = [golden, dump].map(({ runs }) => printable(runs![0]!.name, 60))
    const message = `no run has the same name on both sides: the golden has ${g} …, the dump ${d} …; name the files alike on both sides`
    throw new GoldenLogitsError('invalid-argument', message, { file: dump.path })
  }
  return names.map((name) => ({
    name,
    dump: ofDump.get(name)?.dump ?? emptyDump(dump, ofGolden.get(name)!),
    golden: ofGolden.get(name)?.dump ?? emptyDump(golden, ofDump.get(name)!),
  }))
}

/** The side that lacks a run. */
function emptyDump({ path, budgets }: Dump, { dump }: DumpRun): Dump {
  return { path, layout: dump.layout, named: 'folder', steps: [], notes: [], ignored: [], stepsAssumed: false, budgets }
}

/** An error in one run names it. */
function compareNamed({ name, dump, golden }: RunPair, settings: CompareSettings, compare: Compare): ListedComparison {
  try {
    return compare(
      dump,
      golden,
      settings.baseline ? { ...settings, baseline: baselineNamed(settings.baseline, name, dump) } : settings,
    )
  } catch (error) {
    if (!(error instanceof GoldenLogitsError)) throw error
    const { code, offset, budget } = error
    throw new GoldenLogitsError(code, `run ${printable(name, 60)}: ${error.message}`, { offset, budget })
  }
}

/** The run of the baseline. @throws GoldenLogitsError `invalid-argument` if it has no runs */
function baselineNamed(baseline: Dump, name: string, dump: Dump): Dump {
  if (!baseline.runs) {
    const message =
      "the golden and the dump hold several runs and the baseline is one run; load all three with run: 'all'"
    throw new GoldenLogitsError('invalid-argument', message, { file: baseline.path })
  }
  return baseline.runs.find((run) => run.name === name)?.dump ?? emptyDump(baseline, { name, dump })
}

function coarsest(comparisons: readonly ListedComparison[]): CompareSettings['precision'] {
  const used = comparisons.filter(({ counts }) => counts.compared > 0).map(({ thresholds }) => thresholds.precision)
  return PRECISIONS.find((precision) => used.includes(precision))
}

function runOf(name: string, comparison: ListedComparison): Run {
  const { firstFailure, inconclusive, run = [] } = comparison
  const pass = firstFailure === undefined && !run.some(failsRun) && inconclusive === undefined
  let badness = 0
  for (const token of comparison.tokens) {
    if (firstFailure !== undefined && token.pass) continue
    const kl = token.metrics?.klDivergence ?? (token.pass ? 0 : Number.POSITIVE_INFINITY)
    badness = Math.max(badness, kl)
  }
  return { name, comparison: withRun(name, comparison), pass, badness }
}

function withRun(run: string, comparison: ListedComparison): ListedComparison {
  const { tokens, firstFailure } = comparison
  return {
    ...comparison,
    tokens: listOf(tokens.length, (i) => ({ run, ...tokens.at(i)! })),
    ...(firstFailure && { firstFailure: { run, ...firstFailure } }),
  }
}

/**
 * One of several runs, with the limits on the run that it does not keep by itself. A run that is too short for a limit is not
 * judged by it, since one token would decide: all runs together are.
 */
function withRunLimits(name: string, comparison: ListedComparison, limits: RunLimits): ListedComparison {
  const verdicts = judgeRun(comparison.comparable!(), limits)
    .filter((verdict) => failsRun(verdict) && verdict.tokens >= leastTokens(verdict))
    .map((verdict) => ({ ...verdict, run: name, reason: `run ${printable(name, 60)}: ${verdict.reason}` }))
  if (verdicts.length === 0) return comparison
  return {
    ...comparison,
    run: [...(comparison.run ?? []), ...verdicts],
    notes: [...verdicts.map(({ reason }) => reason), ...comparison.notes],
  }
}

/** The limits on the run, judged over the comparable tokens of all runs. */
function judgeTogether(comparisons: readonly ListedComparison[], limits: RunLimits): RunVerdict[] {
  const verdicts = judgeRun(comparableOf(comparisons), limits)
  if (comparisons.length === 1) return verdicts
  const all = `all ${comparisons.length} runs together`
  return verdicts.map((verdict) => ({ ...verdict, reason: `${all}: ${verdict.reason}` }))
}

function* comparableOf(comparisons: readonly ListedComparison[]): Iterable<TokenComparison> {
  for (const { comparable } of comparisons) yield* comparable!()
}

/** @param runs the worst first */
function merge(runs: readonly Run[], dump: Dump, golden: Dump, settings: CompareSettings): ListedComparison {
  const comparisons = runs.map(({ comparison }) => comparison)
  const counts = sumOf(comparisons.map(({ counts }) => counts))
  const [worst] = runs as readonly [Run, ...Run[]]
  const { firstFailure, otherSequence } = worst.comparison
  const comparable = counts.compared - counts.notComparable
  const excused = comparisons.reduce((sum, { allowed = 0 }) => sum + allowed, 0)
  const notes = namedNotes(runs)
  const ignored = [...ignoredNotes('golden', golden), ...ignoredNotes('dump', dump)]
  const warned = new Set(comparisons.flatMap(({ warnings }) => warnings))
  const warnings = notes.filter(({ text }) => warned.has(text)).map(({ named }) => named)
  const limits = comparisons.find(({ counts }) => counts.compared > 0) ?? worst.comparison
  const calibration = settings.calibration?.calibration
  const used = calibration && calibratedRunLimits(calibration, comparable)
  const together = judgeTogether(comparisons, { ...used, ...settings.runLimits })
  const closeOnes = closeCalls(together.filter(({ key }) => Object.hasOwn(settings.runLimits, key)))
  const isWithin = runs.every(({ pass }) => pass) && !together.some(failsRun)
  const tooShort = together.find(({ verdict }) => verdict === 'too-short')?.reason
  const tooFew = inconclusiveReason(comparable + counts.failed, counts.total - excused, settings, undefined) ?? tooShort
  const inconclusive = isWithin && counts.compared > 0 ? tooFew : undefined
  warnings.push(...closeOnes.map(({ text }) => text))
  const run = [...together, ...comparisons.flatMap(({ run }) => run ?? [])]
  const { strict, decoding } = settings
  return {
    pass: isWithin && counts.compared > 0 && inconclusive === undefined && !(strict && warnings.length > 0),
    ...(inconclusive !== undefined && { inconclusive }),
    ...(tooFew !== undefined && { tooFew }),
    tokens: joined(comparisons.map(({ tokens }) => tokens)),
    ...(firstFailure && { firstFailure }),
    counts,
    thresholds: { ...limits.thresholds },
    ...(calibration && { calibration }),
    ...(settings.metrics.length > 0 && { metrics: settings.metrics }),
    ...(run.length > 0 && { run }),
    notes: [
      ...together.filter(({ verdict }) => verdict !== 'pass').map(({ reason }) => reason),
      ...closeOnes.map(({ text }) => text),
      ...notes.map(({ named }) => named),
      ...ignored.map(({ text }) => text),
    ],
    warnings,
    strict,
    ...(decoding !== undefined && { decoding }),
    ...(otherSequence && { otherSequence }),
    runs: runs.map(resultOf),
    ...(!worst.pass && { worstRun: worst.comparison }),
    goldenPath: golden.path,
    dumpPath: dump.path,
  }
}

function resultOf({ name, pass, comparison: { counts, firstFailure, tokens } }: Run): RunResult {
  const statistics = runStatistics(tokens)
  return { name, pass, counts, ...(firstFailure && { firstFailure }), ...(statistics && { statistics }) }
}

function sumOf(all: readonly Counts[]): Counts {
  const sum = { ...all[0]! }
  for (const counts of all.slice(1)) for (const key of Object.keys(sum) as (keyof Counts)[]) sum[key] += counts[key]
  return sum
}

/** Each note once, with the runs it is about, unless it is about all. */
function namedNotes(runs: readonly Run[]): { readonly text: string; readonly named: string }[] {
  const all = runs.flatMap(({ name, comparison }) =>
    comparison.notes.map((text) => ({ text, name: printable(name, 60) })),
  )
  return [...groupBy(all, ({ text }) => text)].map(([text, about]) => {
    if (about.length === runs.length && runs.length > 1) return { text, named: `each run: ${text}` }
    const names = about.map(({ name }) => name)
    return { text, named: `${about.length === 1 ? 'run' : 'runs'} ${listed(names, 3)}: ${text}` }
  })
}

/** Several lists as one. */
function joined<T>(lists: readonly List<T>[]): List<T> {
  const starts: number[] = []
  let length = 0
  for (const list of lists) {
    starts.push(length)
    length += list.length
  }
  return listOf(length, (index) => {
    let [from, to] = [0, starts.length]
    while (to - from > 1) {
      const middle = (from + to) >>> 1
      if (starts[middle]! <= index) from = middle
      else to = middle
    }
    return lists[from]!.at(index - starts[from]!)!
  })
}
