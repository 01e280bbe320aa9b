import { BREGMAN_REST, BREGMAN_WHOLE, GIVEN_UP, LINEAR, MASS, NOISE } from './layout'
import { bregmanTotal, total } from './totals'

// The sums of the divergence, in the same pass as all other sums. The golden's maximum is not known yet: the sums are
// relative to the maximum so far, and are rebased when a higher one comes. With w' = c·w and x' = x − δ
//
//     Σw'·x' = c·(Σwx − δ·Σw)
//     Σw'·f(x') = c·(e^δ·Σw·f(x) + (e^δ − 1 − δ)·Σw − (e^δ − 1)·Σwx)
//
// Terms may cancel here, so their size is recorded as noise. Nothing is lost if δ is 0.

/** Beyond this magnitude, x and the exponents lose digits that the divergence needs. */
const LARGEST: f32 = 1e5

/** Logits this far below the maximum have a weight of at most 5e-283, which is negligible. */
const DEPTH: f64 = 650

/** The dump may be at most this far above the logit that the gaps are relative to; float64 overflows at e^709. */
const HEIGHT: f64 = 40

/** The golden's maximum so far, and the dump's logit there. */
let top: f32 = 0
let origin: f64 = 0

/** The weights are relative to 2^power, the gaps to `shift`. */
export let power: f64 = 0
export let shift: f64 = 0

/** Logits below these have negligible weight, and may be raised to them. */
export let goldenFloor: f32 = 0
export let dumpFloor: f32 = 0

/** The maxima of the blocks before the first block whose golden maximum is large enough to start from. */
let goldenBefore: f32 = 0
let dumpBefore: f32 = 0

export function startRunning(): void {
  top = -Infinity
  goldenBefore = -Infinity
  dumpBefore = -Infinity
}

export function giveUp(): void {
  store<i32>(GIVEN_UP, 1)
}

/**
 * Prepares for a block with these maxima.
 * @returns false if the block must not be added, or the running sums were given up
 */
export function advance(g: usize, m: usize, goldenHigh: f32, dumpHigh: f32): bool {
  if (load<i32>(GIVEN_UP)) return false
  if (top === -Infinity && goldenHigh < -LARGEST) {
    goldenBefore = max(goldenBefore, goldenHigh)
    dumpBefore = max(dumpBefore, dumpHigh)
    return false
  }
  if (goldenHigh > top) riseTo(goldenHigh, logitBeside(goldenHigh, g, m))
  if (<f64>dumpHigh - origin > HEIGHT || goldenBefore > goldenFloor || dumpBefore > dumpFloor) giveUp()
  return top > -Infinity && !load<i32>(GIVEN_UP)
}

/** The dump's logit at the first id where the golden's logit is `value`, which must exist. */
function logitBeside(value: f32, g: usize, m: usize): f64 {
  while (load<f32>(g) !== value) {
    g += 4
    m += 4
  }
  return <f64>load<f32>(m)
}

function riseTo(high: f32, newOrigin: f64): void {
  const newPower = Math.round(<f64>high * Math.LOG2E)
  const newShift = <f64>high - newOrigin
  const delta = newShift - shift
  if (Math.max(Math.abs(<f64>high), Math.abs(newOrigin)) > <f64>LARGEST) giveUp()
  else if (top > -Infinity) {
    if (Math.abs(delta) > DEPTH) giveUp()
    else rebase(delta, powerOfTwo(power - newPower))
  }
  top = high
  origin = newOrigin
  power = newPower
  shift = newShift
  goldenFloor = <f32>(<f64>high - DEPTH)
  dumpFloor = <f32>(newOrigin - DEPTH)
}

function rebase(delta: f64, scale: f64): void {
  const mass = total(MASS)
  const linear = total(LINEAR)
  const bregman = bregmanTotal()
  const rest = exponentialRest(delta)
  const grown = delta + rest
  const factor = 1 + grown
  setTotal(MASS, scale * mass)
  setTotal(LINEAR, scale * (linear - delta * mass))
  setTotal(BREGMAN_WHOLE, 0)
  setTotal(BREGMAN_REST, scale * (factor * bregman + rest * mass - grown * linear))
  const noise = factor * Math.max(load<f64>(NOISE), bregman) + rest * mass + Math.abs(grown * linear)
  store<f64>(NOISE, scale * noise)
}

function setTotal(sum: usize, value: f64): void {
  store<f64>(sum, value)
  store<f64>(sum, 0, 8)
}

/** 2^n for n <= 0. */
function powerOfTwo(n: f64): f64 {
  return n < -1022 ? 0 : reinterpret<f64>((<i64>n + 1023) << 52)
}

/** e^δ − 1 − δ for |δ| <= 650. */
function exponentialRest(delta: f64): f64 {
  const whole = Math.abs(delta) < 0.5 ? 0 : Math.round(delta * Math.LOG2E)
  const r = delta - whole * Math.LN2
  let series: f64 = 0
  for (let k: f64 = 18; k >= 2; k--) series = (1 + series) * (r / k)
  const rest = r * series
  return whole === 0 ? rest : reinterpret<f64>((<i64>whole + 1023) << 52) * (1 + r + rest) - 1 - delta
}
