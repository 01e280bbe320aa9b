import { address, convert } from './convert'
import { BLOCK, GOLDEN_BLOCK } from './layout'

/** One logit as float32. */
export function logitAt(row: usize, kind: i32, index: i32): f32 {
  convert(kind, address(row, kind, index), GOLDEN_BLOCK, 1)
  return load<f32>(GOLDEN_BLOCK)
}

/** The lowest id from `start` on whose logit is `value`, which must exist. */
export function find(row: usize, kind: i32, start: i32, count: i32, value: f32): i32 {
  for (; start < count; start += BLOCK) {
    const size = min(count - start, BLOCK)
    convert(kind, address(row, kind, start), GOLDEN_BLOCK, size)
    for (let i = 0; i < size; i++) {
      if (load<f32>(GOLDEN_BLOCK + ((<usize>i) << 2)) === value) return start + i
    }
  }
  return -1
}

/** The sum from front to end, rounded after each term. */
export function sumInOrder(row: usize, kind: i32, count: i32): f64 {
  let sum: f64 = 0
  for (let start = 0; start < count; start += BLOCK) {
    const size = min(count - start, BLOCK)
    convert(kind, address(row, kind, start), GOLDEN_BLOCK, size)
    for (let i = 0; i < size; i++) sum += <f64>load<f32>(GOLDEN_BLOCK + ((<usize>i) << 2))
  }
  return sum
}
