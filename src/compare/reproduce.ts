import { asDump, type DumpOrPath } from '../dumps/as-dump.js'
import { checkObject } from '../lib/check-options.js'
import { textsOf } from '../lib/note.js'
import { significant } from '../lib/number-text.js'
import { type BitOutcome, compareBits } from '../measure/compare-bits.js'
import { unreadFacts } from '../measure/outcome.js'
import type { StepPair } from '../measure/step-pair.js'
import { align } from './align.js'
import { dumpNotes } from './conclude.js'
import { type CompareOptions, checkOptions } from './options.js'
import { planPairs, sidesOf } from './sides.js'
import { RangesByKey } from './step-ranges.js'
import type { TokenComparison } from './types.js'

/** Options of `toReproduceLogits`: which steps to compare, and whether both runs may be the same file. */
export type ReproduceOptions = Pick<CompareOptions, 'steps' | 'identical'>

/** Whether two runs of one build gave the same bits. */
export interface Reproduction {
  /** True if every token of both sides has the same bits on the other. */
  readonly pass: boolean
  /** Sorted by step. The golden is the run to reproduce. */
  readonly tokens: readonly TokenComparison[]
  readonly firstFailure?: TokenComparison
  readonly counts: Readonly<Record<'total' | 'identical' | 'different' | 'missing' | 'extra' | 'failed', number>>
  readonly notes: readonly string[]
  readonly warnings: readonly string[]
  readonly goldenPath: string
  readonly dumpPath: string
}

/**
 * Compares two dumps of one build bit by bit: the row of logits that `compareDumps` would compare, of each token, rank by
 * rank. No limits: one differing bit fails the token. Synchronous, one pair of rows in memory.
 * @param dump what `loadDump` returned, or a path or pattern for it
 * @param other the run to reproduce, likewise
 * @throws GoldenLogitsError as `compareDumps` does
 */
export function reproduceDumps(dump: DumpOrPath, other: DumpOrPath, options: ReproduceOptions = {}): Reproduction {
  const settings = checkOptions(
    checkObject<ReproduceOptions>('the options', options, ['steps', 'identical'], '{ steps: [0] }'),
  )
  const { golden, dump: tested } = sidesOf(asDump('golden', other), asDump('dump', dump))
  const { pairs, notes: alignmentNotes } = align(tested.dump, golden.dump, settings)
  const sources = { golden: golden.rows, dump: tested.rows }
  const rowNotes = new RangesByKey<string>()
  const tokens = Array.from(planPairs(pairs, golden, tested), (pair): TokenComparison => {
    if (!pair.golden || !pair.dump) return oneSided(pair)
    const outcome = compareBits(pair.golden, pair.dump, sources)
    for (const note of outcome.notes) rowNotes.add(note, pair)
    const token = tokenOf(pair.step, outcome)
    return pair.position === undefined ? token : { ...token, position: pair.position }
  })
  sources.golden.releaseFiles?.()
  sources.dump.releaseFiles?.()
  const firstFailure = tokens.find(({ pass }) => !pass)
  const texts = textsOf([...alignmentNotes, ...dumpNotes('golden', golden.dump), ...dumpNotes('dump', tested.dump)])
  return {
    pass: firstFailure === undefined,
    tokens,
    ...(firstFailure && { firstFailure }),
    counts: countsOf(tokens),
    notes: [...texts.notes, ...[...rowNotes].map(([note, ranges]) => `${ranges}: ${note}`)],
    warnings: texts.warnings,
    goldenPath: golden.dump.path,
    dumpPath: tested.dump.path,
  }
}

function oneSided({ step, golden, dump }: StepPair): TokenComparison {
  const [holds, lacks] = golden ? ['other run', 'dump'] : ['dump', 'other run']
  const reason = `the ${holds} holds token ${step}, the ${lacks} does not`
  const facts = golden ? { golden: unreadFacts(golden) } : { dump: unreadFacts(dump!) }
  return { step, verdict: golden ? 'missing' : 'extra', pass: false, reason, ...facts }
}

function tokenOf(step: number, outcome: BitOutcome): TokenComparison {
  const { golden, dump, kind } = outcome
  if (kind === 'identical') return { step, verdict: 'pass', pass: true, reason: '', golden, dump }
  if (kind !== 'different') return { step, verdict: kind, pass: false, reason: outcome.reason, golden, dump }
  return { step, verdict: 'not-identical', pass: false, reason: differenceText(outcome), golden, dump }
}

/** `3 of 640 logits differ, by at most 2 ULP; first at vocab id 17: 1.5 in the other run, 1.5000001 in the dump` */
function differenceText({ difference, width, rank, golden }: Extract<BitOutcome, { kind: 'different' }>): string {
  const { count: elements, vocabId, golden: g, dump: d, ulps, only } = difference
  const where = rank === undefined ? '' : ` of rank ${rank}`
  const verb = elements === 1 ? 'differs' : 'differ'
  const unit = golden.dtype?.startsWith('int') ? '(integers)' : 'ULP'
  const size = ulps === undefined || only !== undefined ? '' : `, by at most ${ulps} ${unit}`
  const kind = only === undefined ? '' : ` only in their ${only}`
  const values = `${text(g)} in the other run, ${text(d)} in the dump`
  return `${elements} of ${width} logits ${verb}${kind}${size}; first at vocab id ${vocabId}${where}: ${values}`
}

/** With nine digits, two different float32 never look the same. */
function text(value: number): string {
  return Object.is(value, -0) ? '-0' : Math.fround(value) === value ? significant(value, 9) : String(value)
}

function countsOf(tokens: readonly TokenComparison[]): Reproduction['counts'] {
  const counts = { total: tokens.length, identical: 0, different: 0, missing: 0, extra: 0, failed: 0 }
  for (const { verdict } of tokens) {
    if (verdict === 'pass') counts.identical++
    else if (verdict === 'not-identical') counts.different++
    else if (verdict === 'missing' || verdict === 'extra') counts[verdict]++
    else counts.failed++
  }
  return counts
}
