import { ignoredOf } from '../dumps/step-list.js'
import type { Dump } from '../dumps/types.js'
import { type List, listOf } from '../lib/lazy-list.js'
import { excuseAfter, excusedNotes, firstFlip } from './after-divergence.js'
import type { PairOutcome } from './measure-pair.js'
import type { CompareSettings } from './options.js'
import { outcomeFacts } from './outcome-facts.js'
import type { PlainRow } from './rows/outcome-table.js'
import type { StepPair } from './step-pairs.js'
import { inferPrecision, thresholdsOf } from './thresholds.js'
import type { Comparison, Counts, ListedComparison, TokenComparison } from './types.js'
import { isWithin, judgePair, judgeSingle } from './verdict.js'

/** One step with what its files said; `outcome` is absent where only one side holds the step. */
export interface MeasuredPair extends StepPair {
  readonly outcome?: PairOutcome
}

/** All pairs of a comparison. Those that `plainAt` tells of are judged without making anything of them. */
export interface MeasuredPairs extends List<MeasuredPair> {
  plainAt?(index: number): PlainRow | undefined
}

/** Draws every verdict, once all rows are measured: without the option `dtype` the limits depend on all of them. */
export function conclude(
  dump: Dump,
  golden: Dump,
  measured: MeasuredPairs,
  alignmentNotes: readonly string[],
  settings: CompareSettings,
): ListedComparison {
  const facts = outcomeFacts(measured)
  const precision = settings.precision ?? inferPrecision(facts.dtypes)
  const thresholds = thresholdsOf(precision, settings)
  const judged = listOf(measured.length, (index) => judge(measured.at(index)!, thresholds, settings))
  const flip = settings.afterDivergence === 'ignore' ? firstFlip(judged) : undefined
  const tokens = flip === undefined ? judged : excuseAfter(flip, judged)
  const { counts, firstFailure } = tally(tokens, (index) => {
    const plain = measured.plainAt?.(index)
    return plain !== undefined && isWithin(plain.metrics, thresholds)
  })
  return {
    // Tokens that are all excused would be a pass of nothing.
    pass: firstFailure === undefined && counts.compared > 0,
    tokens,
    ...(firstFailure && { firstFailure }),
    counts,
    // A copy: what a user does to it must not change the verdicts that are still to be drawn.
    thresholds: { ...thresholds },
    // Those that may explain a failure come first: a message shows a few.
    notes: [
      ...alignmentNotes,
      ...(flip === undefined ? [] : excusedNotes(flip, judged)),
      ...dumpNotes('golden', golden),
      ...dumpNotes('dump', dump),
      ...facts.notes,
      ...(settings.precision || counts.compared === 0 ? [] : [`dtype ${precision} taken from the dumps`]),
    ],
    goldenPath: golden.path,
    dumpPath: dump.path,
  }
}

function judge(pair: MeasuredPair, thresholds: Comparison['thresholds'], settings: CompareSettings): TokenComparison {
  if (pair.outcome) return judgePair(pair.step, pair.outcome, thresholds)
  const [side, step] = pair.golden ? (['golden', pair.golden] as const) : (['dump', pair.dump!] as const)
  const allowed = (side === 'golden' ? settings.missing : settings.extra) === 'allow'
  return judgeSingle(pair.step, side, { files: [...step.files], layer: step.layer }, allowed)
}

/** One look at every token. @param passes whether one is known to pass without being made */
function tally(
  tokens: List<TokenComparison>,
  passes: (index: number) => boolean,
): { counts: Counts; firstFailure: TokenComparison | undefined } {
  const times: Record<TokenComparison['verdict'], number> = {
    pass: 0,
    'over-threshold': 0,
    undecided: 0,
    diverged: 0,
    'shape-mismatch': 0,
    'non-finite': 0,
    missing: 0,
    extra: 0,
    unreadable: 0,
  }
  const total = tokens.length
  let firstFailure: TokenComparison | undefined
  for (let i = 0; i < total; i++) {
    if (passes(i)) {
      times.pass++
      continue
    }
    const token = tokens.at(i)!
    times[token.verdict]++
    if (!token.pass) firstFailure ??= token
  }
  const counts = {
    total,
    compared: times.pass + times['over-threshold'] + times.diverged,
    passed: times.pass,
    overThreshold: times['over-threshold'],
    diverged: times.diverged,
    failed: times['shape-mismatch'] + times['non-finite'] + times.undecided,
    missing: times.missing,
    extra: times.extra,
    unreadable: times.unreadable,
  }
  return { counts, firstFailure }
}

function dumpNotes(side: string, dump: Dump): string[] {
  const reasons = new Map<string, number>()
  for (const { reason } of ignoredOf(dump)) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  const left = [...reasons].map(([reason, times]) => `${times} ${times === 1 ? 'path' : 'paths'} ignored: ${reason}`)
  return [...dump.notes, ...left].map((note) => `${side}: ${note}`)
}
