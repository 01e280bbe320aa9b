import { BLOCK_BYTES, fillBlocks, GROUP, MOST_BLOCKS } from './random-vectors.js'
import { BLOCK, blocksOf, type SketchKernel, type Sums, type Weights } from './sketch-kernel.js'

/** In plain TypeScript: the reference for the one in WebAssembly, and its replacement without WebAssembly. */
export class TypescriptSketches implements SketchKernel {
  private count = 0
  private elements = new Float32Array(0)
  private centered = new Int32Array(0)
  private roots = new Int32Array(0)
  /** The random vectors of each group. */
  private random: Int8Array[] = []

  row(count: number): Float32Array {
    const size = blocksOf(count) * BLOCK
    if (this.elements.length < size) {
      this.elements = new Float32Array(size)
      this.centered = new Int32Array(size)
      this.roots = new Int32Array(size)
    }
    this.count = count
    return this.elements.subarray(0, count)
  }

  sumExponentials(max: number): number {
    let sum = 0
    for (let i = 0; i < this.count; i++) sum += Math.exp(this.elements[i]! - max)
    return sum
  }

  sumBetween(from: number, to: number, least: number, most: number): Sums {
    let [count, sum, squares, min, max] = [0, 0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
    for (let i = from; i < to; i++) {
      const x = this.elements[i]!
      if (!(x >= least && x <= most)) continue
      count++
      sum += x
      squares += x * x
      if (x < min) min = x
      if (x > max) max = x
    }
    return { count, sum, squares, min, max }
  }

  quantiseCentered(least: number, center: number, scale: number): void {
    for (let i = 0; i < this.count; i++) {
      const x = this.elements[i]!
      this.centered[i] = x >= least ? roundHalfEven((x - center) * scale) : 0
    }
  }

  quantiseRoots(from: number, to: number, least: number, max: number, scale: number): Weights {
    let [mass, weighted] = [0, 0]
    for (let i = from; i < to; i++) {
      const x = this.elements[i]!
      this.roots[i] = 0
      if (!(x >= least)) continue
      const root = Math.exp((x - max) / 2)
      mass += root * root
      weighted += root * root * (x - max)
      this.roots[i] = roundHalfEven(root * scale)
    }
    return { mass, weighted }
  }

  sketch(size: number): { centered: Float64Array; roots: Float64Array } {
    const result = { centered: new Float64Array(size), roots: new Float64Array(size) }
    const blocks = blocksOf(this.count)
    this.centered.fill(0, this.count)
    this.roots.fill(0, this.count)
    for (let first = 0; first < blocks; first += MOST_BLOCKS) {
      const count = Math.min(MOST_BLOCKS, blocks - first)
      for (let group = 0; group < size / GROUP; group++) {
        const random = this.blocksFrom(group, first, count, blocks)
        for (let j = 0; j < GROUP; j++)
          this.addVector(result, group * GROUP + j, first, count, random.subarray(j * BLOCK))
      }
    }
    return result
  }

  /** The blocks of a row that are kept, or made again if the row has too many. */
  private blocksFrom(group: number, first: number, count: number, all: number): Int8Array {
    const bytes = count * BLOCK_BYTES
    const kept = this.random[group]
    if (all <= MOST_BLOCKS && kept && kept.length >= bytes) return kept.subarray(0, bytes)
    const random = new Int8Array(bytes)
    fillBlocks(random, first, group)
    if (all <= MOST_BLOCKS) this.random[group] = random
    return random
  }

  private addVector(
    { centered, roots }: { centered: Float64Array; roots: Float64Array },
    j: number,
    first: number,
    blocks: number,
    random: Int8Array,
  ): void {
    let [a, b] = [0, 0]
    for (let block = 0; block < blocks; block++) {
      const [entries, columns] = [block * BLOCK_BYTES, (first + block) * BLOCK]
      for (let i = 0; i < BLOCK; i++) {
        const entry = random[entries + i]!
        a += entry * this.centered[columns + i]!
        b += entry * this.roots[columns + i]!
      }
    }
    centered[j]! += a
    roots[j]! += b
  }
}

/** Adding it rounds a number below 2⁵¹ to a whole one. */
const ROUNDER = 1.5 * 2 ** 52

function roundHalfEven(x: number): number {
  return x + ROUNDER - ROUNDER
}
