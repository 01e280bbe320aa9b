/** Makes the median absolute deviation of normal numbers their standard deviation. */
const NORMAL = 1.4826

/**
 * The median of the first `count` numbers, at least one and none of them NaN: of an even count the mean of the middle two.
 * Reorders them.
 */
export function median(values: Float64Array, count: number): number {
  const middle = count >> 1
  const upper = select(values, count, middle)
  if (count & 1) return upper
  // Everything before the middle is at most as large: the largest of it is the other one.
  let lower = Number.NEGATIVE_INFINITY
  for (let i = 0; i < middle; i++) if (values[i]! > lower) lower = values[i]!
  return (lower + upper) / 2
}

/**
 * A standard deviation that outliers do not move: the median distance from the median, times 1.4826. Overwrites the first
 * `count` numbers.
 */
export function robustDeviation(values: Float64Array, count: number): number {
  const center = median(values, count)
  for (let i = 0; i < count; i++) values[i] = Math.abs(values[i]! - center)
  return NORMAL * median(values, count)
}

/**
 * The number that would be at index `k` if the first `count` were sorted (Hoare's quickselect). Reorders them: no larger one
 * is before it.
 */
export function select(values: Float64Array, count: number, k: number): number {
  let [left, right] = [0, count - 1]
  while (left < right) {
    const pivot = middleOf(values[left]!, values[(left + right) >> 1]!, values[right]!)
    let [i, j] = [left, right]
    while (i <= j) {
      while (values[i]! < pivot) i++
      while (values[j]! > pivot) j--
      if (i > j) break
      const swapped = values[i]!
      values[i++] = values[j]!
      values[j--] = swapped
    }
    if (k <= j) right = j
    else if (k >= i) left = i
    else break
  }
  return values[k]!
}

function middleOf(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c))
}
