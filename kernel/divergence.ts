import { blockOf, raisedBlock, raisePair } from './block'
import { addBregman } from './bregman'
import { EXP_LEAD } from './constants'
import { BLOCK, BREGMAN_REST, DUMP_BLOCK, GOLDEN_BLOCK, MASS } from './layout'
import { spread } from './sums'
import { bregmanTotal, total } from './totals'
import { reduce, weigh } from './weights'

// The sums of src/metrics/divergence.ts, by the same formulas. w = e^g divided by a constant, which cancels; x = (g −
// m) − shift.

/**
 * The average of f(x) = e⁻ˣ − 1 + x. Logits below `goldenFloor` or `dumpFloor` are raised to it. With the floors, the
 * golden must be within 700 of its maximum, and x within ±690.
 * @param power the golden's maximum in powers of two, a whole number
 * @returns Σw·f(x)/Σw; −1 if the dump is below its floor at an id where the golden is not
 */
export function averageBregman(
  golden: usize,
  goldenKind: i32,
  dump: usize,
  dumpKind: i32,
  count: i32,
  power: f64,
  shift: f64,
  goldenFloor: f32,
  dumpFloor: f32,
): f64 {
  memory.fill(MASS, 0, BREGMAN_REST + 16 - MASS)
  for (let start = 0; start < count; start += BLOCK) {
    const size = min(count - start, BLOCK)
    let g = GOLDEN_BLOCK
    let m = DUMP_BLOCK
    if (dumpFloor === -Infinity) {
      g = blockOf(golden, goldenKind, start, size, g)
      m = blockOf(dump, dumpKind, start, size, m)
    } else if (!raisePair(golden, goldenKind, dump, dumpKind, start, size, goldenFloor, dumpFloor)) return -1
    spread(g, m, size)
    reduce(size, power, shift)
    weigh(size)
    addBregman(g, m, size, shift, Infinity)
  }
  return bregmanTotal() / total(MASS)
}

/** Σe^g in units of 2^power. Logits below `floor` are raised to it. */
export function sumMass(row: usize, kind: i32, count: i32, power: f64, floor: f32): f64 {
  memory.fill(MASS, 0, 16)
  for (let start = 0; start < count; start += BLOCK) {
    const size = min(count - start, BLOCK)
    raisedBlock(row, kind, start, size, GOLDEN_BLOCK, floor)
    spread(GOLDEN_BLOCK, GOLDEN_BLOCK, size)
    reduce(size, power, 0)
    weigh(size)
  }
  return total(MASS) * EXP_LEAD
}
