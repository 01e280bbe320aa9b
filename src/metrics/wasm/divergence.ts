import type { Dtype } from '../../tensor/dtype.js'
import { type Divergence, divergenceOf } from '../divergence.js'
import type { KernelExports } from './instance.js'
import { KIND } from './layout.js'
import type { PairResults, RunningSums } from './results.js'

/** One row in the kernel's memory. */
interface PlacedRow {
  readonly at: number
  readonly dtype: Dtype
}

/** A pair of rows in the kernel's memory, and the kernel to measure them with. */
export interface PlacedPair {
  readonly kernel: KernelExports
  readonly golden: PlacedRow
  readonly dump: PlacedRow
  readonly count: number
}

/** Logits this far below the maximum have a weight of at most 5e-283, which is negligible. */
const DEPTH = 650

/** Beyond this magnitude, x and the exponents lose digits that the divergence needs. */
const LARGEST = 1e5

/**
 * The kernel's polynomials are accurate to 1e-12: that error may grow by this factor, in the result and in the sums.
 */
const LOSS = 32

/** The leading coefficient of the kernel's polynomial, by which it divides every weight. */
const EXP_LEAD = 0.24022650523924524

/** Smaller divergences come from the weights of raised logits, not from the rows. */
const FLOOR = 1e-250

/**
 * KL of two rows without NaN and +Inf, each with a finite logit.
 * @returns undefined if it needs the float64 evaluation of `klDivergence`: logits in the hundred thousands, or a dump
 * that is 650 or more below the golden at ids where the golden has weight
 */
export function wasmDivergence(pair: PlacedPair, results: PairResults): Divergence | undefined {
  const divergence = measuredDivergence(pair, results)
  if (divergence === undefined) return undefined
  const { golden, running } = results
  // The running weights are relative to a power of two near the maximum, and lack a factor: see kernel/weights.ts.
  const scale = EXP_LEAD * Math.exp(Math.round(golden.max * Math.LOG2E) * Math.LN2 - golden.max)
  return { divergence, mass: running ? running.sums.mass * scale : Number.NaN }
}

function measuredDivergence(pair: PlacedPair, results: PairResults): number | undefined {
  const { golden, dump, dumpAtGoldenTop1, missedMax, running } = results
  if (missesMass(pair, golden.max, missedMax)) return Number.POSITIVE_INFINITY
  if (running) {
    const { divergence, trusted } = divergenceOf(running.sums, LOSS)
    if (trusted && divergence * LOSS >= running.noise) {
      return !running.raised || divergence > FLOOR ? divergence : 0
    }
    const balanced = balancedDivergence(pair, results, running)
    if (balanced !== undefined) return balanced
  }
  if (Math.max(Math.abs(golden.max), Math.abs(dump.max), Math.abs(dumpAtGoldenTop1)) > LARGEST) return undefined
  const floors = floorsOf(results, dump.max)
  const gap = logMass(pair, pair.dump, dump.max, floors.dump) - logMass(pair, pair.golden, golden.max, floors.golden)
  return averageBregman(pair, results, golden.max - dump.max - gap)
}

/** The relative rounding error of the running sums. */
const ROUNDING = 4e-12

/**
 * A second pass with the constant that makes both sides sum to the same mass, as in `klDivergence`. The constant
 * follows from Σp·e⁻ˣ, which the running sums contain.
 * @returns undefined if the running sums lost too many digits: the constant is then off by a rest t, and t − ln(1 + t)
 * would be visible in the result
 */
function balancedDivergence(pair: PlacedPair, results: PairResults, { sums, noise }: RunningSums): number | undefined {
  const [linear, bregman] = [sums.linear / sums.mass, sums.bregman / sums.mass]
  const ratio = 1 + (bregman - linear)
  const shift = results.golden.max - results.dumpAtGoldenTop1 - Math.log(ratio)
  const divergence = averageBregman(pair, results, shift)
  const rest = (ROUNDING * Math.max(noise, bregman + Math.abs(linear))) / ratio
  return divergence !== undefined && rest * rest <= 1e-11 * divergence ? divergence : undefined
}

/** Σp·f(x) with x relative to the constant `shift`. @returns undefined if a raised logit would change the result */
function averageBregman(pair: PlacedPair, results: PairResults, shift: number): number | undefined {
  const { kernel, golden, dump, count } = pair
  const floors = floorsOf(results, results.golden.max - shift)
  const args = [golden.at, KIND[golden.dtype], dump.at, KIND[dump.dtype], count] as const
  const power = Math.round(results.golden.max * Math.LOG2E)
  const average = kernel.averageBregman(...args, power, shift, floors.golden, floors.dump)
  return average < 0 ? undefined : average
}

function missesMass(pair: PlacedPair, goldenMax: number, missedMax: number): boolean {
  if (missedMax === Number.NEGATIVE_INFINITY) return false
  return Math.exp(missedMax - goldenMax - logMass(pair, pair.golden, goldenMax, floorOf(goldenMax))) > 0
}

/** Lower logits are raised to these; −Infinity on both sides if neither has lower ones. */
function floorsOf({ golden, dump }: PairResults, dumpOrigin: number): { golden: number; dump: number } {
  const floors = { golden: floorOf(golden.max), dump: floorOf(dumpOrigin) }
  if (golden.min >= floors.golden && dump.min >= floors.dump) {
    return { golden: Number.NEGATIVE_INFINITY, dump: Number.NEGATIVE_INFINITY }
  }
  return floors
}

function floorOf(top: number): number {
  return Math.fround(top - DEPTH)
}

/** ln Σexp(row − max) */
function logMass({ kernel, count }: PlacedPair, row: PlacedRow, max: number, floor: number): number {
  const power = Math.round(max * Math.LOG2E)
  return Math.log(kernel.sumMass(row.at, KIND[row.dtype], count, power, floor)) + (power * Math.LN2 - max)
}
