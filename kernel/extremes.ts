import { BLOCK_EXTREMES } from './layout'

/** Initialises the extremes of a row: the maximum, the minimum, and the start of the first block with the maximum. */
export function startExtremes(extremes: usize): void {
  store<f32>(extremes, -Infinity)
  store<f32>(extremes, Infinity, 4)
  store<i32>(extremes, 0, 8)
}

/** Updates the extremes of a row with the extremes of a block. */
export function note(extremes: usize, high: f32, low: f32, start: i32): void {
  if (high > load<f32>(extremes)) {
    store<f32>(extremes, high)
    store<i32>(extremes, start, 8)
  }
  if (low < load<f32>(extremes, 4)) store<f32>(extremes, low, 4)
}

/** Writes the maximum and minimum of two blocks, ignoring NaN. */
export function scan(g: usize, m: usize, count: i32): void {
  let goldenHigh = v128.load(g)
  let goldenLow = goldenHigh
  let dumpHigh = v128.load(m)
  let dumpLow = dumpHigh
  let goldenHigh2 = goldenHigh
  let goldenLow2 = goldenLow
  let dumpHigh2 = dumpHigh
  let dumpLow2 = dumpLow
  for (const end = g + ((<usize>count) << 2); g < end; g += 32, m += 32) {
    let value = v128.load(g)
    goldenHigh = f32x4.pmax(goldenHigh, value)
    goldenLow = f32x4.pmin(goldenLow, value)
    value = v128.load(g, 16)
    goldenHigh2 = f32x4.pmax(goldenHigh2, value)
    goldenLow2 = f32x4.pmin(goldenLow2, value)
    value = v128.load(m)
    dumpHigh = f32x4.pmax(dumpHigh, value)
    dumpLow = f32x4.pmin(dumpLow, value)
    value = v128.load(m, 16)
    dumpHigh2 = f32x4.pmax(dumpHigh2, value)
    dumpLow2 = f32x4.pmin(dumpLow2, value)
  }
  store<f32>(BLOCK_EXTREMES, highest(f32x4.pmax(goldenHigh, goldenHigh2)))
  store<f32>(BLOCK_EXTREMES, lowest(f32x4.pmin(goldenLow, goldenLow2)), 4)
  store<f32>(BLOCK_EXTREMES, highest(f32x4.pmax(dumpHigh, dumpHigh2)), 8)
  store<f32>(BLOCK_EXTREMES, lowest(f32x4.pmin(dumpLow, dumpLow2)), 12)
}

export function highest(four: v128): f32 {
  const pairs = f32x4.pmax(four, i64x2.shuffle(four, four, 1, 0))
  return f32x4.extract_lane(f32x4.pmax(pairs, i32x4.shuffle(pairs, pairs, 1, 0, 3, 2)), 0)
}

export function lowest(four: v128): f32 {
  const pairs = f32x4.pmin(four, i64x2.shuffle(four, four, 1, 0))
  return f32x4.extract_lane(f32x4.pmin(pairs, i32x4.shuffle(pairs, pairs, 1, 0, 3, 2)), 0)
}
