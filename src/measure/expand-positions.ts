import type { DumpStep } from '../dumps/types.js'
import { NumberColumn } from '../io/number-column.js'
import { type List, listOf } from '../lib/lazy-list.js'
import { counted } from '../lib/number-text.js'
import type { Prepared, RowSource } from './row-source.js'
import type { PairList, StepPair } from './step-pair.js'

/**
 * Makes a pair of every position of each step, for the option `positions: 'all'`. A step with one position a side stays as it
 * is, and so does one whose sides hold different numbers of positions: measuring it gives the reason. Opens each file once
 * and reads no row; keeps a number a step.
 */
export function expandPositions(pairs: PairList, golden: RowSource, dump: RowSource): PairList {
  // Of each step the index of its first pair, and at the end the number of all pairs.
  const starts = new NumberColumn()
  let count = 0
  for (const pair of pairs) {
    starts.push(count)
    count += positionsOf(pair, golden, dump)
  }
  starts.push(count)
  const expanded = listOf(count, (index) => {
    const at = indexOf(starts, index)
    const pair = pairs.at(at)!
    const start = starts.at(at)!
    return starts.at(at + 1)! - start === 1 ? pair : positionOf(pair, index - start)
  })
  return { ...expanded, whole: wholeOf(pairs, starts) }
}

function positionsOf(pair: StepPair, golden: RowSource, dump: RowSource): number {
  if (!pair.golden || !pair.dump) return 1
  const count = countOf(golden, pair.golden)
  return count > 1 && count === countOf(dump, pair.dump) ? count : 1
}

function countOf(source: RowSource, step: DumpStep): number {
  const prepared = source.prepare(step, true)
  if (prepared.kind === 'row') prepared.close()
  return positionsIn(prepared)
}

/** The last step that begins at this pair or before it. */
function indexOf(starts: List<number>, pair: number): number {
  let [from, to] = [0, starts.length - 1]
  while (to - from > 1) {
    const middle = (from + to) >>> 1
    if (starts.at(middle)! <= pair) from = middle
    else to = middle
  }
  return from
}

function positionOf({ step, golden, dump }: StepPair, position: number): StepPair {
  return { step, position, golden: { ...golden!, position }, dump: { ...dump!, position } }
}

function wholeOf(pairs: PairList, starts: List<number>): List<number> {
  const count = starts.at(starts.length - 1)!
  if (pairs.whole.length === pairs.length) return listOf(count, (index) => index)
  // A step of one side alone is one pair.
  const whole = new Int32Array(count - (pairs.length - pairs.whole.length))
  let end = 0
  for (const index of pairs.whole) {
    for (let pair = starts.at(index)!; pair < starts.at(index + 1)!; pair++) whole[end++] = pair
  }
  return whole
}

function positionsIn(prepared: Prepared): number {
  return prepared.kind === 'positions' ? prepared.count : 1
}

/** A pair that was not divided into positions though `positions: 'all'` asks for it. */
export function unequalPositions(golden: Prepared, dump: Prepared): string {
  const [g, d] = [positionsIn(golden), positionsIn(dump)]
  const count = `the golden holds ${counted(g, 'position')} and the dump ${d}`
  return `${count}: with positions: 'all' both sides must hold as many; a run with speculative positions cannot be compared with a plain one, unless loadDump's option positions takes one of them ('last' or a number)`
}
