import { blockOf, pad, raisePair } from './block'
import { addBregman } from './bregman'
import { note, scan, startExtremes } from './extremes'
import {
  BLOCK,
  BLOCK_EXTREMES,
  DUMP_BLOCK,
  DUMP_EXTREMES,
  FIRST_MISMATCH,
  GOLDEN_BLOCK,
  GOLDEN_EXTREMES,
  GOLDEN_SQUARES,
  MISSED_MAX,
  RAISED,
  RUNNING_END,
} from './layout'
import { writeResults } from './results'
import { advance, dumpFloor, giveUp, goldenFloor, power, shift, startRunning } from './running'
import { addErrors, addProducts, spread } from './sums'
import { setSuppressedAside } from './suppressed'
import { reduce, weigh } from './weights'

/**
 * Measures two rows, and writes the results to memory. Each block is processed by several short loops over data that
 * the previous loop left in the L1 cache. Short chains of dependent instructions keep more elements in flight than one
 * long loop would, and their sums and constants fit into the registers.
 */
export function measurePair(golden: usize, goldenKind: i32, dump: usize, dumpKind: i32, count: i32): void {
  memory.fill(GOLDEN_SQUARES, 0, RUNNING_END - GOLDEN_SQUARES)
  v128.store(MISSED_MAX, f32x4.splat(-Infinity))
  startExtremes(GOLDEN_EXTREMES)
  startExtremes(DUMP_EXTREMES)
  store<i32>(FIRST_MISMATCH, -1)
  startRunning()
  for (let start = 0; start < count; start += BLOCK) {
    const size = min(count - start, BLOCK)
    let g = blockOf(golden, goldenKind, start, size, GOLDEN_BLOCK)
    let m = blockOf(dump, dumpKind, start, size, DUMP_BLOCK)
    if (size < BLOCK) {
      pad(g, size, load<f32>(g))
      pad(m, size, load<f32>(m))
    }
    scan(g, m, size)
    const goldenHigh = load<f32>(BLOCK_EXTREMES)
    const goldenLow = load<f32>(BLOCK_EXTREMES, 4)
    const dumpHigh = load<f32>(BLOCK_EXTREMES, 8)
    const dumpLow = load<f32>(BLOCK_EXTREMES, 12)
    note(GOLDEN_EXTREMES, goldenHigh, goldenLow, start)
    note(DUMP_EXTREMES, dumpHigh, dumpLow, start)
    const isRunning = advance(g, m, goldenHigh, dumpHigh)
    if (size < BLOCK) {
      pad(g, size, 0)
      pad(m, size, 0)
    }
    if (goldenLow === -Infinity || dumpLow === -Infinity) {
      setSuppressedAside(g, m, size, start)
      g = GOLDEN_BLOCK
      m = DUMP_BLOCK
    }
    addProducts(g, m, size)
    let most = addErrors(size, power, shift)
    if (!isRunning) continue
    if (goldenLow < goldenFloor || dumpLow < dumpFloor) {
      g = GOLDEN_BLOCK
      m = DUMP_BLOCK
      if (!raisePair(golden, goldenKind, dump, dumpKind, start, size, goldenFloor, dumpFloor)) giveUp()
      spread(g, m, size)
      reduce(size, power, shift)
      most = Infinity
      store<i32>(RAISED, 1)
    }
    weigh(size)
    addBregman(g, m, size, shift, most + Math.abs(shift))
  }
  writeResults(golden, goldenKind, dump, dumpKind, count)
}
