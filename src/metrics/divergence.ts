import type { Row } from '../tensor/widen.js'

/**
 * KL divergence of two rows without cancellation. With p = softmax(g), u = g − max g, v = m − (some constant) and
 * x = u − v:
 *
 *     KL = Σpx + ln Σp·e⁻ˣ     for every choice of the constant
 *        = B − (t − ln(1 + t)),  B = Σp·f(x),  f(x) = e⁻ˣ − 1 + x ≥ 0,  t = Σp(e⁻ˣ − 1) = B − Σpx
 *
 * f(x) is of second order, as KL is: no large terms cancel, identical rows and pure shifts give exactly 0.
 */

/** Σe, Σe·x and Σe·f(x) with e = exp(u). Divided by Σe they are averages over p. */
export interface BregmanSums {
  mass: number
  linear: number
  bregman: number
}

/**
 * The divergence that follows from the sums, and whether it can be trusted: only if the constant was close enough to
 * the one that makes both rows sum to the same mass.
 * @param loss the factor by which the relative error of the sums may grow in the divergence
 */
export function divergenceOf(sums: BregmanSums, loss: number): { divergence: number; trusted: boolean } {
  const linear = sums.linear / sums.mass
  const bregman = sums.bregman / sums.mass
  const t = bregman - linear
  const near = Math.abs(t) < 0.05
  const divergence = near ? bregman - logarithmGap(t) : linear + Math.log1p(t)
  const size = near ? bregman : bregman / (1 + t) + Math.abs(linear)
  // The errors of rounding and of the WebAssembly kernel's polynomials are relative to `size`.
  return { divergence: Math.max(0, divergence), trusted: divergence * loss >= size }
}

/** t − ln(1 + t) for |t| < 0.05, by its series t²/2 − t³/3 + …, since the difference itself would cancel. */
function logarithmGap(t: number): number {
  let tail = 0
  for (let k = 14; k >= 2; k--) tail = 1 / k - t * tail
  return t * t * tail
}

/** f(x) = e⁻ˣ − 1 + x for |x| ≤ 1/2 by its Taylor series, to float64 precision. */
function smallBregman(x: number): number {
  let tail = 0
  for (let k = 14; k >= 2; k--) tail = (1 - x * tail) / k
  return x * x * tail
}

/** The KL divergence of two rows, and Σexp(golden − max golden); NaN if that is not known. */
export interface Divergence {
  readonly divergence: number
  readonly mass: number
}

/**
 * KL of two rows without NaN and +Inf, each with a finite logit. −Inf is a probability of 0.
 * @param goldenTop1 vocab id of the golden's maximum
 * @param dumpMax the dump's maximum
 */
export function klDivergence(golden: Row, dump: Row, count: number, goldenTop1: number, dumpMax: number): Divergence {
  const goldenMax = golden[goldenTop1]!
  if (missesMass(golden, dump, count, goldenMax)) return { divergence: Number.POSITIVE_INFINITY, mass: Number.NaN }
  const sums = bregmanSums(golden, dump, count, goldenMax, dump[goldenTop1]!, 0)
  const first = divergenceOf(sums, 4)
  if (first.trusted) return { divergence: first.divergence, mass: sums.mass }
  // The top token moved: use the constant that makes both sides sum to the same mass. Then t is 0 and B is the
  // divergence. The t of the sums would only be rounding noise, as large as their largest terms.
  const gap = Math.log(partition(dump, count, dumpMax)) - Math.log(partition(golden, count, goldenMax))
  const { bregman, mass } = bregmanSums(golden, dump, count, goldenMax, dumpMax, gap)
  return { divergence: bregman / mass, mass }
}

/** Whether the dump suppresses a vocab id to which the golden gives a float64 probability above 0. */
function missesMass(golden: Row, dump: Row, count: number, goldenMax: number): boolean {
  let highest = Number.NEGATIVE_INFINITY
  for (let i = 0; i < count; i++) {
    if (dump[i] === Number.NEGATIVE_INFINITY && golden[i]! > highest) highest = golden[i]!
  }
  if (highest === Number.NEGATIVE_INFINITY) return false
  return Math.exp(highest - goldenMax - Math.log(partition(golden, count, goldenMax))) > 0
}

/** Σexp(row − max) */
function partition(row: Row, count: number, max: number): number {
  let sum = 0
  for (let i = 0; i < count; i++) sum += Math.exp(row[i]! - max)
  return sum
}

function bregmanSums(
  golden: Row,
  dump: Row,
  count: number,
  goldenMax: number,
  dumpOrigin: number,
  gap: number,
): BregmanSums {
  let mass = 0
  let linear = 0
  let bregman = 0
  for (let i = 0; i < count; i++) {
    const u = golden[i]! - goldenMax
    const v = dump[i]! - dumpOrigin - gap
    if (v === Number.NEGATIVE_INFINITY) continue
    if (u === Number.NEGATIVE_INFINITY) {
      bregman += Math.exp(v)
      continue
    }
    const x = u - v
    const e = Math.exp(u)
    mass += e
    linear += e * x
    bregman += Math.abs(x) <= 0.5 ? e * smallBregman(x) : Math.exp(v) - e + e * x
  }
  return { mass, linear, bregman }
}
