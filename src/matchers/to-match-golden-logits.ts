import { compareListed } from '../compare/compare-dumps.js'
import { hasStrictWarnings } from '../compare/notes.js'
import type { CompareOptions } from '../compare/options.js'
import { tokenName } from '../compare/step-ranges.js'
import type { ListedComparison, TokenComparison, Verdict } from '../compare/types.js'
import type { DumpOrPath } from '../dumps/as-dump.js'
import { printable } from '../errors.js'
import { firstOf } from '../lib/lazy-list.js'
import { countsText, failureText } from '../report/message/failure.js'
import { passText } from '../report/message/pass.js'
import { comparing } from './comparing.js'
import { layerHint } from './layer-hint.js'
import type { MatcherContext, MatcherResult } from './types.js'

/**
 * Requires every token of the dump to be within the thresholds of the golden. Synchronous.
 * @throws GoldenLogitsError for misuse (wrong arguments, no dump, `.not` with rows that could not be read, or that hold NaN, +Inf or
 * no information). This is not a failed assertion, which `.not` would turn into a pass.
 */
export function toMatchGoldenLogits(
  this: MatcherContext,
  dump: DumpOrPath,
  golden: DumpOrPath,
  options: CompareOptions = {},
): MatcherResult {
  return comparing(this, 'toMatchGoldenLogits', toMatchGoldenLogits, {
    expected: 'golden',
    shown: () => options,
    compare: () => compareListed(dump, golden, options),
    differs: isReadAndDiffers,
    lacks,
    message: (comparison) =>
      comparison.pass
        ? passText(comparison)
        : failureText(comparison) + layerHint(comparison, { dump, golden }, options),
  })
}

/**
 * `.not` claims that the logits differ, so logits must have been read and must differ. A comparison that fails for another
 * reason must not make `.not` pass. With `strict`, a guess must not either: the wrong rows differ, too.
 */
function isReadAndDiffers(comparison: ListedComparison): boolean {
  const differs =
    comparison.counts.overThreshold > 0 || comparison.run?.some(({ verdict }) => verdict === 'over-threshold')
  return differs === true && !hasStrictWarnings(comparison) && !saysNothing(comparison)
}

/** The first token that proves no difference: unreadable, or a row of no model. */
function saysNothing({ tokens, counts }: ListedComparison): TokenComparison | undefined {
  if (counts.unreadable + counts.failed === 0) return undefined
  return firstOf(tokens, ({ verdict }) => NO_LOGITS.includes(verdict))
}

const NO_LOGITS: readonly Verdict[] = ['unreadable', 'non-finite', 'no-information']

function lacks(comparison: ListedComparison): string {
  const { firstFailure, warnings } = comparison
  if (hasStrictWarnings(comparison)) {
    const text = warnings.map((warning) => printable(warning, 200)).join('; ')
    const are = warnings.length === 1 ? 'is a warning' : `are ${warnings.length} warnings`
    return `with strict: true needs a comparison without warnings, but there ${are}: ${text}`
  }
  const failure = saysNothing(comparison) ?? firstFailure
  const detail = failure ? `; ${tokenName(failure)} is ${failure.verdict}: ${failure.reason}` : ''
  return `needs logits that were read and differ, but the result is ${countsText(comparison)}${detail}`
}
