import { select } from '../../metrics/median.js'

/**
 * The `n`-th lowest number, and the sum of the numbers before it in ascending order. Reorders the numbers.
 * @param numbers free of NaN
 * @param n from 1 to their count
 */
export function nthLowest(numbers: Float64Array, n: number): { value: number; before: number } {
  const value = select(numbers, numbers.length, n - 1)
  let before = 0
  for (let i = 0; i < n - 1; i++) before += numbers[i]!
  return { value, before }
}

/**
 * The `n`-th highest number, or the lowest one if there are fewer. Keeps the highest ones so far in a heap: few numbers of a
 * long row enter it.
 * @param numbers free of NaN
 */
export function nthHighest(numbers: Float32Array, n: number): number {
  // The lowest one first; the numbers at 2i + 1 and 2i + 2 are not below the one at i.
  const heap = numbers.slice(0, n).sort()
  let lowest = heap[0]!
  for (let i = n; i < numbers.length; i++) {
    if (numbers[i]! <= lowest) continue
    replaceLowest(heap, numbers[i]!)
    lowest = heap[0]!
  }
  return lowest
}

function replaceLowest(heap: Float32Array, number: number): void {
  let at = 0
  for (let child = 1; child < heap.length; child = 2 * at + 1) {
    if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++
    if (!(heap[child]! < number)) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = number
}
