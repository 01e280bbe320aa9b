import { compareListed } from '../compare/compare-dumps.js'
import type { CompareOptions } from '../compare/options.js'
import type { ListedComparison } from '../compare/types.js'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import { firstOf } from '../lib/lazy-list.js'
import { countsText, failureText } from '../report/message/failure.js'
import { passText } from '../report/message/pass.js'
import { recorded } from '../reporters/recorder.js'
import { hint } from './hint.js'
import type { MatcherContext, MatcherResult } from './types.js'

/** What a matcher takes on either side: `loadDump`'s answer, or a path or pattern for it. */
export type DumpOrPath = Dump | string

/**
 * The gate: every token of the dump within the thresholds of the golden. Synchronous.
 * @throws GoldenLogitsError for misuse (wrong arguments, no dump, `.not` over files that could not be read): never a
 * failed assertion, which `.not` would turn into a pass
 */
export function toMatchGoldenLogits(
  this: MatcherContext,
  dump: DumpOrPath,
  golden: DumpOrPath,
  options: CompareOptions = {},
): MatcherResult {
  const comparison = recorded(
    this,
    'toMatchGoldenLogits',
    () => compareListed(dump, golden, options),
    (result) => (this.isNot ? isReadAndDiffers(result) : result.pass),
  )
  if (this.isNot && !comparison.pass && !isReadAndDiffers(comparison)) throw emptyNot(comparison)
  return {
    pass: comparison.pass,
    message: () =>
      `${hint(this, 'toMatchGoldenLogits', 'golden', options)}\n\n${comparison.pass ? passText(comparison) : failureText(comparison)}`,
  }
}

/**
 * `.not` claims that the logits differ, which takes logits that were read and found different. A comparison that fails for
 * want of them must not let it pass.
 */
function isReadAndDiffers({ counts, tokens }: ListedComparison): boolean {
  if (counts.unreadable > 0) return false
  if (counts.overThreshold > 0) return true
  return firstOf(tokens, ({ verdict }) => verdict === 'non-finite') !== undefined
}

function emptyNot(comparison: ListedComparison): GoldenLogitsError {
  const { tokens, dumpPath, firstFailure } = comparison
  const broken = firstOf(tokens, (token) => token.verdict === 'unreadable') ?? firstFailure
  const found = broken ? `; token ${broken.step} is ${broken.verdict}: ${broken.reason}` : ''
  const message = `.not.toMatchGoldenLogits needs logits that were read and differ, but here it is ${countsText(comparison)}${found}`
  return new GoldenLogitsError('nothing-to-compare', message, { file: dumpPath })
}
