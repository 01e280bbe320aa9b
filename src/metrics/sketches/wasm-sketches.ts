import { instantiate, type KernelExports } from '../wasm/instance.js'
import { PAGE, ROWS, SKETCHES, SLACK, SUMMARY } from '../wasm/layout.js'
import { BLOCK_BYTES, fillBlocks, GROUP, MOST_BLOCKS } from './random-vectors.js'
import { BLOCK, blocksOf, type SketchKernel, type Sums, type Weights } from './sketch-kernel.js'

/**
 * In WebAssembly, in its own memory: the row, two vectors of integers, the groups of random vectors.
 * @throws an error of the engine if WebAssembly is disabled or has no SIMD
 */
export class WasmSketches implements SketchKernel {
  private readonly memory = new WebAssembly.Memory({ initial: ROWS / PAGE + 1 })
  private readonly kernel: KernelExports = instantiate(this.memory)
  private count = 0
  /** Blocks that there is room for. */
  private blocks = 0
  /** Bytes from one vector of integers to the next. */
  private stride = 0
  private integers = ROWS
  private random = ROWS
  /** Of each group of random vectors, the blocks that were made already. */
  private filled: number[] = []

  /** The bytes of its memory. */
  get size(): number {
    return this.memory.buffer.byteLength
  }

  row(count: number): Float32Array {
    const blocks = blocksOf(count)
    if (blocks > this.blocks) {
      this.blocks = blocks
      this.integers = ROWS + 4 * blocks * BLOCK + SLACK
      this.stride = 2 * blocks * BLOCK + SLACK
      this.random = this.integers + 2 * this.stride
      this.filled = []
    }
    this.count = count
    this.growTo(this.random)
    return new Float32Array(this.memory.buffer, ROWS, count)
  }

  sumExponentials(max: number): number {
    return this.kernel.sumExponentials(ROWS, this.count, max)
  }

  sumBetween(from: number, to: number, least: number, most: number): Sums {
    this.kernel.sumBetween(ROWS, from, to, least, most)
    const [count, sum, squares, min, max] = this.results(SUMMARY, 5)
    return { count: count!, sum: sum!, squares: squares!, min: min!, max: max! }
  }

  quantiseCentered(least: number, center: number, scale: number): void {
    this.kernel.quantiseCentered(ROWS, this.count, least, center, scale, this.integers)
  }

  quantiseRoots(from: number, to: number, least: number, max: number, scale: number): Weights {
    this.kernel.quantiseRoots(ROWS, from, to, least, max, scale, this.integers + this.stride)
    const [mass, weighted] = this.results(SUMMARY, 2)
    return { mass: mass!, weighted: weighted! }
  }

  sketch(size: number): { centered: Float64Array; roots: Float64Array } {
    const blocks = blocksOf(this.count)
    const unused = 2 * (blocks * BLOCK - this.count)
    for (const vector of [this.integers, this.integers + this.stride]) {
      new Uint8Array(this.memory.buffer, vector + 2 * this.count, unused).fill(0)
    }
    this.growTo(this.random + (size / GROUP) * this.groupBytes)
    this.results(SKETCHES, 2 * size).fill(0)
    for (let first = 0; first < blocks; first += MOST_BLOCKS) {
      const some = Math.min(MOST_BLOCKS, blocks - first)
      for (let group = 0; group < size / GROUP; group++) {
        this.fill(group, first, first + some)
        const random = this.random + group * this.groupBytes
        this.kernel.addSketches(this.integers + 2 * first * BLOCK, this.stride, random, some, group)
      }
    }
    return separated(this.results(SKETCHES, 2 * size))
  }

  /** Bytes of the random vectors of a group. */
  private get groupBytes(): number {
    return Math.min(this.blocks, MOST_BLOCKS) * BLOCK_BYTES
  }

  /** Makes the random vectors of a group for the blocks from `first` to `end`, unless they are there. */
  private fill(group: number, first: number, end: number): void {
    const isKept = end <= MOST_BLOCKS
    const from = isKept ? Math.max(first, this.filled[group] ?? 0) : first
    if (from >= end) return
    const at = this.random + group * this.groupBytes + (from - first) * BLOCK_BYTES
    fillBlocks(new Int8Array(this.memory.buffer, at, (end - from) * BLOCK_BYTES), from, group)
    // The blocks of a wider row take the place of the first ones.
    this.filled[group] = isKept ? end : 0
  }

  private growTo(end: number): void {
    const missing = end + SLACK - this.memory.buffer.byteLength
    if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE))
  }

  private results(at: number, count: number): Float64Array {
    return new Float64Array(this.memory.buffer, at, count)
  }
}

/** The products of two vectors, which come in turn. */
function separated(sums: Float64Array): { centered: Float64Array; roots: Float64Array } {
  const every = (from: number) => Float64Array.from({ length: sums.length / 2 }, (_, j) => sums[2 * j + from]!)
  return { centered: every(0), roots: every(1) }
}
