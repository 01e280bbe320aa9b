import type { List } from '../lib/lazy-list.js'

type Numbers = Uint8Array | Uint16Array | Uint32Array | Float64Array

/** Memory is allocated for at most this many numbers at a time, so that no more have to be copied when it grows. */
const CHUNK = 4096

/**
 * A list of whole numbers from 0 in little memory: none if every number is one more than the previous number, like the
 * steps of a dump, or if all are equal; otherwise in the narrowest typed arrays that fit.
 */
export class NumberColumn implements List<number> {
  length = 0
  private first = 0
  private stride = 0
  /** Undefined while `first` and `stride` define all numbers. */
  private chunks: Numbers[] | undefined

  push(number: number): void {
    if (!this.chunks && !this.follows(number)) {
      this.chunks = []
      for (let i = 0; i < this.length; i++) write(this.chunks, i, this.first + i * this.stride)
    }
    if (this.chunks) write(this.chunks, this.length, number)
    this.length++
  }

  at(index: number): number | undefined {
    if (index < 0 || index >= this.length) return undefined
    return this.chunks ? this.chunks[Math.floor(index / CHUNK)]![index % CHUNK] : this.first + index * this.stride
  }

  *[Symbol.iterator](): Generator<number> {
    for (let i = 0; i < this.length; i++) yield this.at(i)!
  }

  /** The same numbers in ascending order, without duplicates. */
  sorted(): NumberColumn {
    const sorted = new NumberColumn()
    for (const number of ascending(this)) sorted.push(number)
    return sorted
  }

  /** Whether the number continues the sequence of `first` and `stride`. */
  private follows(number: number): boolean {
    if (this.length === 0) this.first = number
    if (this.length === 1) this.stride = number === this.first ? 0 : 1
    return number === this.first + this.length * this.stride
  }
}

function write(chunks: Numbers[], index: number, number: number): void {
  const [which, place] = [Math.floor(index / CHUNK), index % CHUNK]
  const chunk = chunks[which]
  if (chunk && place < chunk.length && number <= largestIn(chunk)) chunk[place] = number
  else {
    const grown = numbersUpTo(Math.max(number, chunk ? largestIn(chunk) : 0), Math.min(CHUNK, Math.max(16, 2 * place)))
    if (chunk) grown.set(chunk.subarray(0, place))
    grown[place] = number
    chunks[which] = grown
  }
}

function largestIn(chunk: Numbers): number {
  if (chunk instanceof Float64Array) return Number.POSITIVE_INFINITY
  return chunk instanceof Uint32Array ? 0xffff_ffff : chunk instanceof Uint16Array ? 0xffff : 0xff
}

function numbersUpTo(largest: number, length: number): Numbers {
  if (largest <= 0xff) return new Uint8Array(length)
  if (largest <= 0xffff) return new Uint16Array(length)
  return largest <= 0xffff_ffff ? new Uint32Array(length) : new Float64Array(length)
}

function ascending(numbers: NumberColumn): Iterable<number> {
  let [min, max] = [Number.POSITIVE_INFINITY, 0]
  for (const number of numbers) {
    if (number < min) min = number
    if (number > max) max = number
  }
  // If the numbers are dense, one bit for each takes less memory than a copy.
  return max - min < 32 * numbers.length ? byBits(numbers, min, max) : distinct(Float64Array.from(numbers).sort())
}

function* byBits(numbers: NumberColumn, min: number, max: number): Generator<number> {
  const bits = new Uint8Array(((max - min) >>> 3) + 1)
  for (const number of numbers) bits[(number - min) >>> 3]! |= 1 << ((number - min) & 7)
  for (let i = 0; i <= max - min; i++) if (bits[i >>> 3]! & (1 << (i & 7))) yield min + i
}

function* distinct(sorted: Float64Array): Generator<number> {
  for (let i = 0; i < sorted.length; i++) if (i === 0 || sorted[i] !== sorted[i - 1]) yield sorted[i]!
}
