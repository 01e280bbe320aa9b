import { BREGMAN_LEAD } from './constants'
import { BREGMAN_REST, BREGMAN_WHOLE } from './layout'

/** The total of a sum in two lanes. */
export function total(sum: usize): f64 {
  return load<f64>(sum) + load<f64>(sum, 8)
}

/** Σw·f(x) */
export function bregmanTotal(): f64 {
  return total(BREGMAN_WHOLE) * BREGMAN_LEAD + total(BREGMAN_REST)
}
