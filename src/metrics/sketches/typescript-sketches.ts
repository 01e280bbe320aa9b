import { BLOCK_BYTES, fillBlocks, MOST_BLOCKS, SKETCH_SIZE } from './random-vectors.js'
import { BLOCK, blocksOf, type SketchKernel, type Sums, type Weights } from './sketch-kernel.js'

/** In plain TypeScript: the reference for the one in WebAssembly, and its replacement without WebAssembly. */
export function createTypescriptSketches(): SketchKernel {
  return new TypescriptSketches()
}

class TypescriptSketches implements SketchKernel {
  private count = 0
  private elements = new Float32Array(0)
  private centered = new Int32Array(0)
  private roots = new Int32Array(0)
  private random = new Int8Array(0)

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

  sketch(): { centered: Float64Array; roots: Float64Array } {
    const sums = new Float64Array(4 * SKETCH_SIZE)
    const blocks = blocksOf(this.count)
    this.centered.fill(0, this.count)
    this.roots.fill(0, this.count)
    for (let first = 0; first < blocks; first += MOST_BLOCKS) {
      const random = this.blocksFrom(first, Math.min(MOST_BLOCKS, blocks - first), blocks)
      for (let block = 0; block * BLOCK_BYTES < random.length; block++) {
        this.addBlock(sums, first + block, random.subarray(block * BLOCK_BYTES))
      }
    }
    return joined(sums)
  }

  /** The blocks of a row that are kept, or made again if the row has too many. */
  private blocksFrom(first: number, count: number, all: number): Int8Array {
    const bytes = count * BLOCK_BYTES
    if (all <= MOST_BLOCKS && this.random.length >= bytes) return this.random.subarray(0, bytes)
    const random = new Int8Array(bytes)
    fillBlocks(random, first)
    if (all <= MOST_BLOCKS) this.random = random
    return random
  }

  private addBlock(sums: Float64Array, block: number, random: Int8Array): void {
    const from = block * BLOCK
    for (let j = 0; j < SKETCH_SIZE; j++) {
      let [a, b, c, d] = [0, 0, 0, 0]
      for (let i = 0; i < BLOCK; i++) {
        const [r, x, y] = [random[j * BLOCK + i]!, this.centered[from + i]!, this.roots[from + i]!]
        const [highX, highY] = [(x + HALF) >> 15, (y + HALF) >> 15]
        a += r * highX
        b += r * (x - (highX << 15))
        c += r * highY
        d += r * (y - (highY << 15))
      }
      sums[4 * j]! += a
      sums[4 * j + 1]! += b
      sums[4 * j + 2]! += c
      sums[4 * j + 3]! += d
    }
  }
}

const HALF = 2 ** 14

/** From the sums over high and low halves of both vectors. */
export function joined(sums: Float64Array): { centered: Float64Array; roots: Float64Array } {
  const join = (at: number) =>
    Float64Array.from({ length: SKETCH_SIZE }, (_, j) => sums[4 * j + at]! * 2 ** 15 + sums[4 * j + at + 1]!)
  return { centered: join(0), roots: join(2) }
}

/** Adding it rounds a number below 2⁵¹ to a whole one. */
const ROUNDER = 1.5 * 2 ** 52

function roundHalfEven(x: number): number {
  return x + ROUNDER - ROUNDER
}
