import { memorySource } from '../measure/from-memory.js'
import { measurePair } from '../measure/measure-pair.js'
import { Results } from '../measure/results.js'
import type { WholePair } from '../measure/step-pair.js'
import { keysOfRows } from '../metrics/optional/table.js'
import { rowKernel } from '../metrics/row-kernel.js'

// Stands in for `measure/measure-all.ts` in the build for browsers: no files and no threads.

type Node = typeof import('../measure/measure-all.js')

/** The same bounds for the option `threads`, which has no effect. */
export const MOST_THREADS: Node['MOST_THREADS'] = 64

export const measureAll: Node['measureAll'] = (pairs, { golden, dump, vocabSize, precision, metrics }) => {
  const keys = keysOfRows(metrics)
  const setting = { golden, dump, vocabSize, precision, keys, kernel: rowKernel() }
  const results = new Results(pairs, keys)
  for (const index of pairs.whole) {
    const pair = pairs.at(index) as WholePair
    results.put(index, measurePair(pair.golden, pair.dump, setting))
  }
  return results
}

export const rowsOf: Node['rowsOf'] = ({ rows = {} }) => memorySource(rows)
