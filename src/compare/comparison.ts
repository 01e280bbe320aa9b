import type { Dump } from '../dumps/types.js'
import type { Dtype } from '../tensor/dtype.js'
import type { StepPair } from './align.js'
import type { PairOutcome } from './measure-pair.js'
import type { CompareSettings } from './options.js'
import { outcomeNotes } from './outcome-notes.js'
import { inferPrecision, thresholdsOf } from './thresholds.js'
import type { Comparison, Counts, TokenComparison } from './types.js'
import { judgePair, judgeSingle } from './verdict.js'

/** One step with what its files said; `outcome` is absent where only one side holds the step. */
export interface MeasuredPair extends StepPair {
  readonly outcome?: PairOutcome
}

/** Draws every verdict, once all rows are measured: without the option `dtype` the limits depend on all of them. */
export function conclude(
  dump: Dump,
  golden: Dump,
  measured: readonly MeasuredPair[],
  alignmentNotes: readonly string[],
  settings: CompareSettings,
): Comparison {
  const precision = settings.precision ?? inferPrecision(dtypesOf(measured))
  const thresholds = thresholdsOf(precision, settings)
  const tokens = measured.map((pair) => judge(pair, thresholds, settings))
  const excused = settings.afterDivergence === 'ignore' ? excuseAfterDivergence(tokens) : []
  const firstFailure = tokens.find((token) => !token.pass)
  const counts = count(tokens)
  return {
    // Tokens that are all excused would be a pass of nothing.
    pass: firstFailure === undefined && counts.compared > 0,
    tokens,
    ...(firstFailure && { firstFailure }),
    counts,
    thresholds,
    // Those that may explain a failure come first: a message shows a few.
    notes: [
      ...alignmentNotes,
      ...excused,
      ...dumpNotes('golden', golden),
      ...dumpNotes('dump', dump),
      ...outcomeNotes(measured),
      ...(settings.precision || counts.compared === 0 ? [] : [`dtype ${precision} taken from the dumps`]),
    ],
    goldenPath: golden.path,
    dumpPath: dump.path,
  }
}

function* dtypesOf(measured: readonly MeasuredPair[]): Iterable<Dtype> {
  for (const { outcome } of measured) {
    if (outcome?.kind !== 'compared') continue
    yield outcome.golden.dtype!
    yield outcome.dump.dtype!
  }
}

function judge(pair: MeasuredPair, thresholds: Comparison['thresholds'], settings: CompareSettings): TokenComparison {
  if (pair.outcome) return judgePair(pair.step, pair.outcome, thresholds)
  const [side, step] = pair.golden ? (['golden', pair.golden] as const) : (['dump', pair.dump!] as const)
  const allowed = (side === 'golden' ? settings.missing : settings.extra) === 'allow'
  return judgeSingle(pair.step, side, { files: [...step.files], layer: step.layer }, allowed)
}

/** The flip itself is still gated: both sides had read the same text when they disagreed. Returns a note, or none. */
function excuseAfterDivergence(tokens: TokenComparison[]): string[] {
  const flip = tokens.findIndex((token) => token.metrics && token.golden!.top1 !== token.dump!.top1)
  if (flip < 0) return []
  const { step } = tokens[flip]!
  let excused = 0
  for (const token of tokens.slice(flip + 1)) {
    if (token.verdict === 'over-threshold') token.verdict = 'diverged'
    else if (token.verdict !== 'missing' && token.verdict !== 'extra') continue
    token.pass = true
    token.reason = `${token.reason}; not gated, since top-1 differs at token ${step}`
    excused++
  }
  const count = excused === 1 ? '1 token that fails is' : `${excused} tokens that fail are`
  return excused === 0 ? [] : [`top-1 differs at token ${step}: ${count} excused after it (afterDivergence: 'ignore')`]
}

function count(tokens: readonly TokenComparison[]): Counts {
  const of = (...verdicts: TokenComparison['verdict'][]) => tokens.filter((t) => verdicts.includes(t.verdict)).length
  return {
    total: tokens.length,
    compared: of('pass', 'over-threshold', 'diverged'),
    passed: of('pass'),
    overThreshold: of('over-threshold'),
    diverged: of('diverged'),
    failed: of('misshapen', 'non-finite', 'undecided'),
    missing: of('missing'),
    extra: of('extra'),
    unreadable: of('unreadable'),
  }
}

function dumpNotes(side: string, { notes, ignored }: Dump): string[] {
  const reasons = new Map<string, number>()
  for (const { reason } of ignored) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  const left = [...reasons].map(([reason, times]) => `${times} ${times === 1 ? 'path' : 'paths'} ignored: ${reason}`)
  return [...notes, ...left].map((note) => `${side}: ${note}`)
}
