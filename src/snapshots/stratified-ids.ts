import { asDump } from '../dumps/as-dump.js'
import type { Dump } from '../dumps/types.js'
import { atCaller, GoldenLogitsError } from '../errors.js'
import { wholeNumber } from '../lib/check-options.js'
import type { FilePath } from '../lib/file-path.js'
import { rowsOf } from '../measure/measure-all.js'
import { logProbsOf } from '../metrics/log-probs.js'
import { widened } from '../tensor/widen.js'
import { capture } from './capture.js'

/** Half of them are the most probable ids, half are spread over the vocabulary. */
const DEFAULT_COUNT = 256

/** The fractional part of the golden ratio: multiples of it fill [0, 1) evenly, however many there are. */
const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2

/**
 * The vocab ids to ask a server for, so that its answer shows more of a fault than its own most probable ids do: one half are
 * the ids that have the highest probability at any token of the golden, the other half are spread evenly over the
 * vocabulary and depend on its size alone. A server gets them once for all positions (SGLang: `token_ids_logprob`; vLLM:
 * `logprob_token_ids`).
 * @param golden a dump of logits: what `loadDump` or `logitsOf` returned, or a path, URL or pattern for it
 * @param count how many ids, at least 2; a smaller vocabulary has fewer
 * @returns in ascending order, none twice
 * @throws GoldenLogitsError `invalid-argument`; `nothing-to-compare` if a row cannot be read, with the reason
 */
export function stratifiedIds(golden: Dump | FilePath, count: number = DEFAULT_COUNT): number[] {
  return atCaller(stratifiedIds, () => {
    wholeNumber('count', count, 2)
    const most = highestProbabilities(asDump('golden', golden))
    const ranked = Array.from(most.keys()).sort((a, b) => most[b]! - most[a]! || a - b)
    const ids = new Set(ranked.slice(0, Math.ceil(count / 2)))
    const wanted = Math.min(count, most.length)
    for (let i = 1; ids.size < wanted; i++) ids.add(Math.floor(((i * GOLDEN_RATIO) % 1) * most.length))
    return [...ids].sort((a, b) => a - b)
  })
}

/** The highest probability that each vocab id has at any token. */
function highestProbabilities(golden: Dump): Float64Array {
  const source = rowsOf(golden)
  let most = new Float64Array()
  try {
    for (const step of golden.steps) {
      const row = capture(step, source, undefined)
      if (row.kind !== 'row') throw refused(golden, step.step, row.reason)
      const { probs } = logProbsOf(widened(row.bytes, row.dtype, row.width))
      if (most.length === 0) most = new Float64Array(probs.length)
      if (probs.length !== most.length) {
        throw refused(golden, step.step, `it has ${probs.length} columns, the tokens before it have ${most.length}`)
      }
      if (Number.isNaN(probs[0])) throw refused(golden, step.step, 'it holds NaN or +Inf, or nothing but -Inf')
      for (let id = 0; id < probs.length; id++) most[id] = Math.max(most[id]!, probs[id]!)
    }
  } finally {
    source.releaseFiles?.()
  }
  return most
}

function refused({ path }: Dump, step: number, reason: string): GoldenLogitsError {
  return new GoldenLogitsError('nothing-to-compare', `token ${step} of the golden: ${reason}`, { file: path })
}
