import type { MetricBounds } from '../../compare/types.js'
import { boundCosine } from './bound-cosine.js'
import { boundKl } from './bound-kl.js'
import { dumpFacts } from './dump-facts.js'
import type { CompactRow } from './types.js'

/**
 * Intervals that hold the metrics of the golden's whole row against `dump`, as `compareRows` evaluates them in float64:
 * certain, whatever the row was that the compact one was made of. Where they lie on one side of a limit, so does the metric.
 * @param dump of the golden's vocabulary size, free of NaN and +Inf, with a finite logit
 */
export function boundCompact(golden: CompactRow, dump: Float32Array): MetricBounds {
  const facts = dumpFacts(golden, dump)
  return { klDivergence: boundKl(golden, facts), cosineSimilarity: boundCosine(golden, facts) }
}
