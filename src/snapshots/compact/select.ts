const BINS = 4096

/**
 * The `n`-th lowest number, and the sum of the numbers before it in ascending order. Takes two passes and a sort of a small part,
 * unless nearly all numbers are close to each other in comparison with the distance of the lowest and the highest one.
 * @param numbers finite or −Infinity
 * @param n from 1 to their count
 */
export function nthLowest(numbers: Float64Array, n: number): { value: number; before: number } {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (let i = 0; i < numbers.length; i++) {
    if (numbers[i]! < min) min = numbers[i]!
    if (numbers[i]! > max) max = numbers[i]!
  }
  // 0 if they are equal, or if the lowest one is −Infinity: then all are in one bin.
  const scale = max > min ? (BINS - 1) / (max - min) : 0
  const binOf = (x: number) => (scale > 0 ? Math.floor((x - min) * scale) : 0)
  const sizes = new Uint32Array(BINS)
  const sums = new Float64Array(BINS)
  for (let i = 0; i < numbers.length; i++) {
    const bin = binOf(numbers[i]!)
    sizes[bin]!++
    sums[bin]! += numbers[i]!
  }
  let [bin, lower, before] = [0, 0, 0]
  for (; lower + sizes[bin]! < n; bin++) {
    lower += sizes[bin]!
    before += sums[bin]!
  }
  const inBin: number[] = []
  for (let i = 0; i < numbers.length; i++) if (binOf(numbers[i]!) === bin) inBin.push(numbers[i]!)
  const sorted = Float64Array.from(inBin).sort()
  for (let i = 0; i < n - lower - 1; i++) before += sorted[i]!
  return { value: sorted[n - lower - 1]!, before }
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
