import { now } from './clock.js'
import type { Helper } from './pool.js'
import { awaitReport, claim, close, reports, type SharedWork } from './work.js'

/** A wake-up that gets lost costs no more than this. */
const SLICE_MS = 20

/** A worker that owes a result is given up after this long without a report, or what ten of this thread's claims take. */
const PATIENCE_MS = 500
const CLAIMS_OF_PATIENCE = 10

/** What becomes of the items of shared work. */
export interface Items<Result> {
  has(item: number): boolean
  /** Takes the result that a worker reported. */
  put(item: number, result: Result): void
  /** Takes the result that a worker left in shared memory, if it did. @returns whether the item has its result now */
  collect?(item: number): boolean
  /** Gives the item its result on this thread. */
  make(item: number): void
}

/**
 * Gives all items of the work their results: this thread claims its share as the workers do, then waits for what they have
 * claimed. It waits for no worker that is not busy, and makes itself what does not come: it cannot hang. What it throws is
 * what one thread would throw.
 */
export function shareWork<Result>(work: SharedWork, helpers: readonly Helper[], items: Items<Result>): void {
  const receive = () => {
    for (const helper of helpers) {
      for (let report = helper.receive<Result>(); report; report = helper.receive<Result>()) {
        // A report of other work is not expected, but must never be taken for one of this.
        if (report.work !== work.id) continue
        for (const [item, result] of report.results) if (!items.has(item)) items.put(item, result)
      }
    }
  }
  let slowest = 0
  try {
    for (const helper of helpers) helper.help(work)
    for (let claimed = claim(work); claimed; claimed = claim(work)) {
      const started = now()
      for (let item = claimed.first; item < claimed.last; item++) items.make(item)
      slowest = Math.max(slowest, now() - started)
      receive()
    }
  } catch {
    // Met again below, after the items before it: as if one thread had made all.
    close(work)
  }
  awaitHelpers(work, helpers, receive, Math.max(PATIENCE_MS, CLAIMS_OF_PATIENCE * slowest))
  for (let item = 0; item < work.length; item++) {
    if (items.has(item) || items.collect?.(item)) continue
    receive()
    if (!items.has(item)) items.make(item)
  }
}

/** Busy workers have claimed something, and nobody else has. */
function awaitHelpers(work: SharedWork, helpers: readonly Helper[], receive: () => void, patience: number): void {
  for (let silent = 0; silent < patience; ) {
    // In this order: a report after the count is read ends the sleep at once.
    const seen = reports(work)
    const busy = helpers.some((helper) => helper.isBusy)
    receive()
    if (!busy) return
    silent = awaitReport(work, seen, SLICE_MS) ? 0 : silent + SLICE_MS
  }
  for (const helper of helpers) if (helper.isBusy) helper.end()
}
