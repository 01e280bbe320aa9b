import type { PairOutcome } from '../measure-pair.js'
import { settle } from '../settle.js'
import { now } from './clock.js'
import type { Helper } from './pool.js'
import { awaitReport, claim, close, reports, type Segment, type WholePair } from './segment.js'

/** A wake-up that gets lost costs no more than this. */
const SLICE_MS = 20

/** A worker that owes an outcome is given up after this long without a word, or what ten of this thread's own claims take. */
const PATIENCE_MS = 500
const CLAIMS_OF_PATIENCE = 10

/**
 * Measures all pairs of a segment: this thread claims its share as the workers do, then waits for what they have claimed. It
 * waits for no worker that is not at work, and measures itself whatever does not come: it cannot hang.
 */
export function measureSegment(
  segment: Segment,
  pairs: readonly WholePair[],
  helpers: readonly Helper[],
  measure: (pair: WholePair) => PairOutcome,
): PairOutcome[] {
  const outcomes = new Array<PairOutcome | undefined>(pairs.length).fill(undefined)
  const receive = () => {
    for (const helper of helpers) {
      for (let report = helper.receive(); report; report = helper.receive()) {
        // None is to be expected of another segment; but none must ever be taken for one of this.
        if (report.segment !== segment.id) continue
        for (const [i, outcome] of report.outcomes.entries()) {
          const { golden, dump } = pairs[report.first + i]!
          outcomes[report.first + i] ??= outcome && settle(outcome, golden, dump)
        }
      }
    }
  }
  let slowest = 0
  try {
    for (const helper of helpers) helper.help(segment)
    for (let claimed = claim(segment); claimed; claimed = claim(segment)) {
      const started = now()
      for (let i = claimed.first; i < claimed.last; i++) outcomes[i] = measure(pairs[i]!)
      slowest = Math.max(slowest, now() - started)
      receive()
    }
  } catch {
    // Met again below, after the pairs before it: as if one thread had gone through all.
    close(segment)
  }
  awaitHelpers(segment, helpers, receive, Math.max(PATIENCE_MS, CLAIMS_OF_PATIENCE * slowest))
  return pairs.map((pair, i) => {
    if (!outcomes[i]) receive()
    return outcomes[i] ?? measure(pair)
  })
}

/** Workers at work have claimed something, and nobody else has. */
function awaitHelpers(segment: Segment, helpers: readonly Helper[], receive: () => void, patience: number): void {
  for (let silent = 0; silent < patience; ) {
    // In this order: what is reported after the count is read ends the sleep at once.
    const seen = reports(segment)
    const busy = helpers.some((helper) => helper.isBusy)
    receive()
    if (!busy) return
    silent = awaitReport(segment, seen, SLICE_MS) ? 0 : silent + SLICE_MS
  }
  for (const helper of helpers) if (helper.isBusy) helper.end()
}
