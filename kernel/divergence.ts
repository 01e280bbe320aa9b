import { blockOf, raisedBlock, raisePair } from './block'
import { addBregman } from './bregman'
import { BLOCK, BREGMAN_REST, DUMP_BLOCK, GOLDEN_BLOCK, MASS } from './layout'
import { spread } from './sums'
import { reduce, weigh } from './weights'

// The sums of `divergence.ts` in src/metrics, by the same formulas. w = e^g over some constant, which cancels;
// x = (g − m) − shift.

/**
 * Σw, Σwx and Σw·f(x), f(x) = e⁻ˣ − 1 + x. Logits below `goldenFloor` or `dumpFloor` count as those. In a row with floors
 * the golden must be within 700 of its maximum, and x within ±690.
 * @param power the golden's maximum in powers of two, a whole number
 * @returns false where the dump is below its floor at an id where the golden is not: then the sums are wrong
 */
export function sumDivergence(
  golden: usize,
  goldenKind: i32,
  dump: usize,
  dumpKind: i32,
  count: i32,
  power: f64,
  shift: f64,
  goldenFloor: f32,
  dumpFloor: f32,
): bool {
  memory.fill(MASS, 0, BREGMAN_REST + 16 - MASS)
  for (let start = 0; start < count; start += BLOCK) {
    const size = min(count - start, BLOCK)
    let g = GOLDEN_BLOCK
    let m = DUMP_BLOCK
    if (dumpFloor === -Infinity) {
      g = blockOf(golden, goldenKind, start, size, g)
      m = blockOf(dump, dumpKind, start, size, m)
    } else if (!raisePair(golden, goldenKind, dump, dumpKind, start, size, goldenFloor, dumpFloor)) return false
    spread(g, m, size)
    reduce(size, power, shift)
    weigh(size)
    addBregman(g, m, size, shift, Infinity)
  }
  return true
}

/** Σe^g in units of the polynomial's leading coefficient and of 2^power. Logits below `floor` count as that. */
export function sumMass(row: usize, kind: i32, count: i32, power: f64, floor: f32): void {
  memory.fill(MASS, 0, 16)
  for (let start = 0; start < count; start += BLOCK) {
    const size = min(count - start, BLOCK)
    raisedBlock(row, kind, start, size, GOLDEN_BLOCK, floor)
    spread(GOLDEN_BLOCK, GOLDEN_BLOCK, size)
    reduce(size, power, 0)
    weigh(size)
  }
}
