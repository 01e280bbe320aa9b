import type { Dump } from '../dumps/types.js'
import { align } from './align.js'
import { asDump } from './as-dump.js'
import { conclude } from './comparison.js'
import { measurePairs } from './measure-pairs.js'
import { type CompareOptions, checkOptions } from './options.js'
import { threadCount } from './threads/thread-count.js'
import { withTokenArray } from './token-array.js'
import type { Comparison, ListedComparison } from './types.js'

/**
 * Compares two dumps token by token: the last row of each step's logits, all metrics in float64, every token with a
 * verdict. A file that cannot be read fails its token, never the comparison. Synchronous; holds one pair of rows at a time on
 * each thread, and is the same on any number of threads.
 *
 * @param dump the tested side: what `loadDump` returned, or a path or pattern for it
 * @param golden the trusted side, likewise
 * @throws GoldenLogitsError `invalid-argument` for options, values or an environment variable that make no comparison, `nothing-to-compare` where
 * neither side holds a wanted step, and what `loadDump` throws where a path was given
 */
export function compareDumps(dump: Dump | string, golden: Dump | string, options: CompareOptions = {}): Comparison {
  return withTokenArray(compareListed(dump, golden, options))
}

/** The same for use inside the package, where nothing needs all tokens at once. */
export function compareListed(
  dump: Dump | string,
  golden: Dump | string,
  options: CompareOptions = {},
): ListedComparison {
  const settings = checkOptions(options)
  const threads = threadCount(settings.threads)
  const tested = asDump('dump', dump)
  const trusted = asDump('golden', golden)
  const { pairs, notes } = align(tested, trusted, settings)
  const budgets = { goldenBudgets: trusted.budgets, dumpBudgets: tested.budgets }
  const measured = measurePairs(pairs, { ...budgets, vocabSize: settings.vocabSize }, threads)
  return conclude(tested, trusted, measured, notes, settings)
}
