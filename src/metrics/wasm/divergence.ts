import type { Dtype } from '../../tensor/dtype.js'
import { divergenceOf } from '../divergence.js'
import type { KernelExports } from './instance.js'
import { KIND } from './layout.js'
import type { PairResults, RunningSums } from './results.js'

/** One row in the kernel's memory. */
export interface PlacedRow {
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

/** Logits this far below the maximum have a weight of 5e-283, or any below it: none. */
const DEPTH = 650

/** Beyond this, x and the exponents lose digits that the divergence needs. */
const LARGEST = 1e5

/** The polynomials are right to 1e-12: that much of it may be lost, at the end and on the way there. */
const LOSS = 32

/** Divergences below are of the weights that logits on the floor were given, not of the rows. */
const FLOOR = 1e-250

/**
 * KL of two rows that hold no NaN nor +Inf and each have a finite logit; nothing where it takes the float64 evaluation of
 * `klDivergence`: logits in the hundred thousands, or a dump that is 650 and more below the golden where that has weight.
 */
export function wasmDivergence(pair: PlacedPair, results: PairResults): number | undefined {
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

/** What may be wrong of what the running sums say of the masses, in their terms. */
const ROUNDING = 4e-12

/**
 * Once more from the constant that makes both sides sum to the same mass, as in `klDivergence`: Σp·e⁻ˣ, which the running
 * sums tell. Nothing where they lost too many digits for it: t − ln(1 + t) of the rest t would be seen in the result.
 */
function balancedDivergence(pair: PlacedPair, results: PairResults, { sums, noise }: RunningSums): number | undefined {
  const [linear, bregman] = [sums.linear / sums.mass, sums.bregman / sums.mass]
  const ratio = 1 + (bregman - linear)
  const shift = results.golden.max - results.dumpAtGoldenTop1 - Math.log(ratio)
  const divergence = averageBregman(pair, results, shift)
  const rest = (ROUNDING * Math.max(noise, bregman + Math.abs(linear))) / ratio
  return divergence !== undefined && rest * rest <= 1e-11 * divergence ? divergence : undefined
}

/** Σp·f(x) with gaps counted from a constant; nothing where that cannot be said. */
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

/** The logits to raise lower ones to; −Infinity on both sides where there are no lower ones on either. */
interface Floors {
  golden: number
  dump: number
}

function floorsOf({ golden, dump }: PairResults, dumpOrigin: number): Floors {
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
