import { type ReproduceOptions, type Reproduction, reproduceDumps } from '../compare/reproduce.js'
import { tokenName } from '../compare/step-ranges.js'
import type { DumpOrPath } from '../dumps/as-dump.js'
import { reproductionCounts, reproductionText } from '../report/message/reproduction.js'
import { comparing } from './comparing.js'
import type { MatcherContext, MatcherResult } from './types.js'

/**
 * Requires that two runs of one build gave the same logits, bit for bit. Synchronous.
 * @throws GoldenLogitsError for misuse: wrong arguments, no dump, `.not` where a token of one run could not be compared
 */
export function toReproduceLogits(
  this: MatcherContext,
  dump: DumpOrPath,
  other: DumpOrPath,
  options: ReproduceOptions = {},
): MatcherResult {
  return comparing(this, 'toReproduceLogits', toReproduceLogits, {
    expected: 'other',
    shown: () => options,
    compare: () => reproduceDumps(dump, other, options),
    differs: ({ counts }) => counts.different > 0 && counts.failed === 0,
    lacks,
    message: reproductionText,
  })
}

function lacks(reproduction: Reproduction): string {
  const failure = reproduction.tokens.find(({ pass, verdict }) => !pass && verdict !== 'not-identical')!
  const detail = `${tokenName(failure)} is ${failure.verdict}: ${failure.reason}`
  return `needs logits that were read and differ, but the result is ${reproductionCounts(reproduction)}; ${detail}`
}
