/** Seeded random rows and the ways in which a second row may differ from a first one. */

import { uniform } from '../../build/noisy.js'

export { uniform as random }

/** Standard normal, by Box and Muller. */
export function normal(next: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
}

/** `count` logits: a normal body of that spread and some high ones, as a language model gives them. */
export function languageRow(next: () => number, count: number, spread = 2.5): Float32Array {
  const row = Float32Array.from({ length: count }, () => spread * normal(next))
  const high = 1 + Math.floor(next() * 8)
  for (let i = 0; i < high; i++) row[Math.floor(next() * count)]! += 6 + 14 * next()
  return row
}

/** `value` rounded to `bits` bits of fraction, as a narrower float stores it: 7 for bfloat16, 10 for float16. */
export function rounded(value: number, bits: number): number {
  if (value === 0 || !Number.isFinite(value)) return value
  const step = 2 ** (Math.floor(Math.log2(Math.abs(value))) - bits)
  return Math.round(value / step) * step
}

type Change = (row: Float32Array, next: () => number) => void

/** A change of each logit by itself. */
function each(change: (logit: number, next: () => number, position: number) => number): Change {
  return (row, next) => {
    row.forEach((logit, i) => {
      row[i] = change(logit, next, i / row.length)
    })
  }
}

const SUPPRESS = Number.NEGATIVE_INFINITY
const LOWEST = -3.4028234663852886e38

function spike(row: Float32Array, id: number, by: number): void {
  row[id] = row[id]! + by
}

function extreme(row: Float32Array, highest: boolean): number {
  let best = 0
  row.forEach((logit, i) => {
    if (highest ? logit > row[best]! : logit < row[best]!) best = i
  })
  return best
}

/** Every way a dump may differ, by name. */
export const CHANGES: Readonly<Record<string, Change>> = {
  identical: () => {},
  'constant shift': each((x) => x + 3),
  'noise 1e-6': each((x, next) => x + 1e-6 * normal(next)),
  'noise 1e-3': each((x, next) => x + 1e-3 * normal(next)),
  'noise 0.05': each((x, next) => x + 0.05 * normal(next)),
  'noise 1': each((x, next) => x + normal(next)),
  'rounded to bf16': each((x) => rounded(x, 7)),
  'rounded to fp16': each((x) => rounded(x, 10)),
  'scaled by 1.05': each((x) => 1.05 * x),
  'spread by 300': each((x) => 300 * x),
  'reversed sign': each((x) => -x),
  flat: each(() => 1),
  'one range lifted': each((x, _, position) => (position < 0.25 ? x + 1 : x)),
  'some suppressed': each((x, next) => (next() < 0.1 ? SUPPRESS : x)),
  'the low ones suppressed': each((x) => (x < 0 ? SUPPRESS : x)),
  'the last ones suppressed': each((x, _, position) => (position > 0.9 ? SUPPRESS : x)),
  'some at the lowest number': each((x, next) => (next() < 0.1 ? LOWEST : x)),
  'the last ones at the lowest number': each((x, _, position) => (position > 0.9 ? LOWEST : x)),
  'most at the lowest number': each((x, next) => (next() < 0.9 ? LOWEST : x)),
  'top-1 lifted': (row) => spike(row, extreme(row, true), 5),
  'top-1 sunk': (row) => spike(row, extreme(row, true), -30),
  'the lowest lifted to the top': (row) => spike(row, extreme(row, false), 40),
  'the lowest lifted a little': (row) => spike(row, extreme(row, false), 2),
  'the lowest sunk without end': (row) => spike(row, extreme(row, false), -1e30),
  'any one moved': (row, next) => spike(row, Math.floor(next() * row.length), 20 * normal(next)),
  'tail permuted': (row, next) => permute(row, next, (x) => x < 3),
  'all permuted': (row, next) => permute(row, next, () => true),
}

function permute(row: Float32Array, next: () => number, wants: (logit: number) => boolean): void {
  const ids = [...row.keys()].filter((id) => wants(row[id]!))
  for (let i = ids.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1))
    const [a, b] = [ids[i]!, ids[j]!]
    ;[row[a], row[b]] = [row[b]!, row[a]!]
  }
}
