import type { List } from '../lib/lazy-list.js'

type Numbers = Uint8Array | Uint16Array | Uint32Array | Float64Array

/** Memory is taken for at most so many numbers at a time, and never copied beyond that. */
const CHUNK = 4096

/**
 * Whole numbers from 0 in as little memory as they allow: none at all while each is one more than the one before, as the
 * steps of a dump are, or all are the same; else typed arrays as narrow as their numbers.
 */
export class NumberColumn implements List<number> {
  length = 0
  private first = 0
  private stride = 0
  /** Absent while `first` and `stride` tell all. */
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

  /** The same in ascending order, each once. */
  sorted(): NumberColumn {
    const sorted = new NumberColumn()
    for (const number of ascending(this)) sorted.push(number)
    return sorted
  }

  /** Is the number the next one without any memory? */
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
  let [least, most] = [Number.POSITIVE_INFINITY, 0]
  for (const number of numbers) {
    if (number < least) least = number
    if (number > most) most = number
  }
  // Of numbers that lie close together a bit each takes less than a copy of them.
  return most - least < 32 * numbers.length ? byBits(numbers, least, most) : distinct(Float64Array.from(numbers).sort())
}

function* byBits(numbers: NumberColumn, least: number, most: number): Generator<number> {
  const bits = new Uint8Array(((most - least) >>> 3) + 1)
  for (const number of numbers) bits[(number - least) >>> 3]! |= 1 << ((number - least) & 7)
  for (let i = 0; i <= most - least; i++) if (bits[i >>> 3]! & (1 << (i & 7))) yield least + i
}

function* distinct(sorted: Float64Array): Generator<number> {
  for (let i = 0; i < sorted.length; i++) if (i === 0 || sorted[i] !== sorted[i - 1]) yield sorted[i]!
}
