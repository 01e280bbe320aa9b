import { loadDump } from '../dumps/load.js'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import { align } from './align.js'
import { conclude } from './comparison.js'
import { measurePairs } from './measure-pairs.js'
import { type CompareOptions, checkOptions } from './options.js'
import { threadCount } from './threads/thread-count.js'
import type { Comparison } from './types.js'

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
  const settings = checkOptions(options)
  const threads = threadCount(settings.threads)
  const tested = asDump('dump', dump)
  const trusted = asDump('golden', golden)
  const { pairs, notes } = align(tested, trusted, settings)
  const limits = { goldenLimits: trusted.limits, dumpLimits: tested.limits }
  const measured = measurePairs(pairs, { ...limits, vocabSize: settings.vocabSize }, threads)
  return conclude(tested, trusted, measured, notes, settings)
}

/** Opens a path; takes a dump as it is. */
function asDump(side: 'golden' | 'dump', value: unknown): Dump {
  if (typeof value === 'string') return loadDump(value)
  const dump = value as Dump | null | undefined
  if (typeof dump === 'object' && dump !== null && Array.isArray(dump.steps) && typeof dump.path === 'string') {
    if (dump.steps.length > 0) return dump
    throw new GoldenLogitsError('nothing-to-compare', `the ${side} holds no step`, { file: dump.path })
  }
  const found =
    value === null ? 'null' : typeof value === 'object' ? `a ${value.constructor?.name ?? 'bare object'}` : typeof value
  const hint = value instanceof Promise ? ' (loadDump is synchronous: nothing to await)' : ''
  throw new GoldenLogitsError(
    'invalid-argument',
    `the ${side} must be a dump from loadDump or a path, got ${found}${hint}`,
  )
}
