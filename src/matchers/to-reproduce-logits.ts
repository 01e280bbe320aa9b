import { type ReproduceOptions, type Reproduction, reproduceDumps } from '../compare/reproduce.js'
import { tokenName } from '../compare/step-ranges.js'
import type { DumpOrPath } from '../dumps/as-dump.js'
import { GoldenLogitsError } from '../errors.js'
import { reproductionCounts, reproductionText } from '../report/message/reproduction.js'
import { comparing } from './comparing.js'
import { hint } from './hint.js'
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
    compare: () => reproduceDumps(dump, other, options),
    differs: isReadAndDiffers,
    refuseNot: refusedNot,
    message: (reproduction) =>
      `${hint(this, 'toReproduceLogits', 'other', options)}\n\n${reproductionText(reproduction)}`,
  })
}

/** `.not` claims that the runs differ, so their logits must have been read. */
function isReadAndDiffers({ counts }: Reproduction): boolean {
  return counts.different > 0 && counts.failed === 0
}

function refusedNot(reproduction: Reproduction): GoldenLogitsError {
  const failure = reproduction.tokens.find(({ pass, verdict }) => !pass && verdict !== 'not-identical')!
  const detail = `${tokenName(failure)} is ${failure.verdict}: ${failure.reason}`
  const message = `.not.toReproduceLogits needs logits that were read and differ, but the result is ${reproductionCounts(reproduction)}; ${detail}`
  return new GoldenLogitsError('nothing-to-compare', message, { file: reproduction.dumpPath })
}
