import type { BregmanSums } from '../divergence.js'
import { BREGMAN_LEAD, SUMS } from './layout.js'

// What the kernel leaves in several lanes.

export function sumOf(view: DataView, at: number): number {
  return view.getFloat64(at, true) + view.getFloat64(at + 8, true)
}

export function maxOf(view: DataView, at: number): number {
  return Math.max(view.getFloat64(at, true), view.getFloat64(at + 8, true))
}

export function totalOf(view: DataView, at: number): number {
  const count = (lane: number) => view.getInt32(at + lane, true)
  return count(0) + count(4) + count(8) + count(12)
}

/** The sums of a divergence, but for a factor that they have in common. */
export function bregmanSums(view: DataView): BregmanSums {
  return {
    mass: sumOf(view, SUMS.mass),
    linear: sumOf(view, SUMS.linear),
    bregman: sumOf(view, SUMS.bregmanWhole) * BREGMAN_LEAD + sumOf(view, SUMS.bregmanRest),
  }
}
