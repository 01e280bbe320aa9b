import type { Results } from '../results.js'
import { awaitReport, type Batch, claim, close, isWritten, reports } from './batch.js'
import { now } from './clock.js'
import type { Helper } from './pool.js'

/** A wake-up that gets lost costs no more than this. */
const SLICE_MS = 20

/** A worker that owes an outcome is given up after this long without a report, or what ten of this thread's claims take. */
const PATIENCE_MS = 500
const CLAIMS_OF_PATIENCE = 10

/**
 * Measures all pairs of a batch: this thread claims its share as the workers do, then waits for what they have claimed. It
 * waits for no worker that is not busy, and measures itself what does not come: it cannot hang.
 *
 * @param indexes the index in the results of each pair of the batch
 * @param measure measures the pair of that index and puts its outcome into the results
 */
export function measureBatch(
  batch: Batch,
  indexes: Int32Array,
  helpers: readonly Helper[],
  results: Results,
  measure: (index: number) => void,
): void {
  const receive = () => {
    for (const helper of helpers) {
      for (let report = helper.receive(); report; report = helper.receive()) {
        // A report of another batch is not expected, but must never be taken for one of this.
        if (report.batch !== batch.id) continue
        for (const [i, outcome] of report.outcomes) if (!results.has(indexes[i]!)) results.put(indexes[i]!, outcome)
      }
    }
  }
  let slowest = 0
  try {
    for (const helper of helpers) helper.help(batch)
    for (let claimed = claim(batch); claimed; claimed = claim(batch)) {
      const started = now()
      for (let i = claimed.first; i < claimed.last; i++) measure(indexes[i]!)
      slowest = Math.max(slowest, now() - started)
      receive()
    }
  } catch {
    // Met again below, after the pairs before it: as if one thread had measured all.
    close(batch)
  }
  awaitHelpers(batch, helpers, receive, Math.max(PATIENCE_MS, CLAIMS_OF_PATIENCE * slowest))
  for (const [i, index] of indexes.entries()) {
    if (results.has(index)) continue
    if (isWritten(batch, i)) results.putRecord(index, batch.memory.records, i)
    else {
      receive()
      if (!results.has(index)) measure(index)
    }
  }
}

/** Busy workers have claimed something, and nobody else has. */
function awaitHelpers(batch: Batch, helpers: readonly Helper[], receive: () => void, patience: number): void {
  for (let silent = 0; silent < patience; ) {
    // In this order: a report after the count is read ends the sleep at once.
    const seen = reports(batch)
    const busy = helpers.some((helper) => helper.isBusy)
    receive()
    if (!busy) return
    silent = awaitReport(batch, seen, SLICE_MS) ? 0 : silent + SLICE_MS
  }
  for (const helper of helpers) if (helper.isBusy) helper.end()
}
