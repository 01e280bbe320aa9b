import type { OutcomeTable } from '../rows/outcome-table.js'
import { now } from './clock.js'
import type { Helper } from './pool.js'
import { awaitReport, claim, close, isWritten, reports, type Segment } from './segment.js'

/** A wake-up that gets lost costs no more than this. */
const SLICE_MS = 20

/** A worker that owes an outcome is given up after this long without a word, or what ten of this thread's own claims take. */
const PATIENCE_MS = 500
const CLAIMS_OF_PATIENCE = 10

/**
 * Measures all pairs of a segment: this thread claims its share as the workers do, then waits for what they have claimed. It
 * waits for no worker that is not at work, and measures itself whatever does not come: it cannot hang.
 *
 * @param indexes the place in the table of each pair of the segment
 * @param measure measures the pair of that place and puts its outcome into the table
 */
export function measureSegment(
  segment: Segment,
  indexes: Int32Array,
  helpers: readonly Helper[],
  table: OutcomeTable,
  measure: (index: number) => void,
): void {
  const receive = () => {
    for (const helper of helpers) {
      for (let report = helper.receive(); report; report = helper.receive()) {
        // None is to be expected of another segment; but none must ever be taken for one of this.
        if (report.segment !== segment.id) continue
        for (const [i, outcome] of report.outcomes) if (!table.has(indexes[i]!)) table.put(indexes[i]!, outcome)
      }
    }
  }
  let slowest = 0
  try {
    for (const helper of helpers) helper.help(segment)
    for (let claimed = claim(segment); claimed; claimed = claim(segment)) {
      const started = now()
      for (let i = claimed.first; i < claimed.last; i++) measure(indexes[i]!)
      slowest = Math.max(slowest, now() - started)
      receive()
    }
  } catch {
    // Met again below, after the pairs before it: as if one thread had gone through all.
    close(segment)
  }
  awaitHelpers(segment, helpers, receive, Math.max(PATIENCE_MS, CLAIMS_OF_PATIENCE * slowest))
  for (const [i, index] of indexes.entries()) {
    if (table.has(index)) continue
    if (isWritten(segment, i)) table.putRow(index, segment.memory.rows, i)
    else {
      receive()
      if (!table.has(index)) measure(index)
    }
  }
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
