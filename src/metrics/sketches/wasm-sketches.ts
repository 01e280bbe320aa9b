import { instantiate, type KernelExports } from '../wasm/instance.js'
import { PAGE, ROWS, SKETCHES, SLACK, SUMMARY } from '../wasm/layout.js'
import { BLOCK_BYTES, fillBlocks, MOST_BLOCKS, SKETCH_SIZE } from './random-vectors.js'
import { BLOCK, blocksOf, type SketchKernel, type Sums, type Weights } from './sketch-kernel.js'
import { joined } from './typescript-sketches.js'

/**
 * In WebAssembly, in memory of its own: the row, four vectors of halves of integers, the random vectors.
 * @throws an error of the engine if WebAssembly is disabled or has no SIMD
 */
export function createWasmSketches(): SketchKernel {
  return new WasmSketches()
}

class WasmSketches implements SketchKernel {
  private readonly memory = new WebAssembly.Memory({ initial: ROWS / PAGE + 1 })
  private readonly kernel: KernelExports = instantiate(this.memory)
  private count = 0
  /** Blocks that there is room for. */
  private blocks = 0
  /** Bytes from one vector of halves to the next. */
  private stride = 0
  private halves = ROWS
  private random = ROWS
  /** The random vectors that were made already. */
  private filled = 0

  row(count: number): Float32Array {
    const blocks = blocksOf(count)
    if (blocks > this.blocks) {
      this.blocks = blocks
      this.halves = ROWS + 4 * blocks * BLOCK + SLACK
      this.stride = 2 * blocks * BLOCK + SLACK
      this.random = this.halves + 4 * this.stride
      this.filled = 0
    }
    this.count = count
    this.growTo(this.random + Math.min(blocks, MOST_BLOCKS) * BLOCK_BYTES)
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
    this.kernel.quantiseCentered(ROWS, this.count, least, center, scale, this.halves, this.halves + this.stride)
  }

  quantiseRoots(from: number, to: number, least: number, max: number, scale: number): Weights {
    const [high, low] = [this.halves + 2 * this.stride, this.halves + 3 * this.stride]
    this.kernel.quantiseRoots(ROWS, from, to, least, max, scale, high, low)
    const [mass, weighted] = this.results(SUMMARY, 2)
    return { mass: mass!, weighted: weighted! }
  }

  sketch(): { centered: Float64Array; roots: Float64Array } {
    const blocks = blocksOf(this.count)
    const unused = 2 * (blocks * BLOCK - this.count)
    for (let i = 0; i < 4; i++) {
      new Uint8Array(this.memory.buffer, this.halves + i * this.stride + 2 * this.count, unused).fill(0)
    }
    this.results(SKETCHES, 4 * SKETCH_SIZE).fill(0)
    for (let first = 0; first < blocks; first += MOST_BLOCKS) {
      const some = Math.min(MOST_BLOCKS, blocks - first)
      if (blocks > MOST_BLOCKS) this.fill(first, some)
      else if (this.filled < blocks) {
        this.fill(this.filled, blocks - this.filled, this.filled)
        this.filled = blocks
      }
      this.kernel.addSketches(this.halves + 2 * first * BLOCK, this.stride, this.random, some)
    }
    if (blocks > MOST_BLOCKS) this.filled = 0
    return joined(this.results(SKETCHES, 4 * SKETCH_SIZE))
  }

  /** Writes blocks of the random vectors to the place of the block `at`. */
  private fill(first: number, blocks: number, at = 0): void {
    fillBlocks(new Int8Array(this.memory.buffer, this.random + at * BLOCK_BYTES, blocks * BLOCK_BYTES), first)
  }

  private growTo(end: number): void {
    const missing = end + SLACK - this.memory.buffer.byteLength
    if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE))
  }

  private results(at: number, count: number): Float64Array {
    return new Float64Array(this.memory.buffer, at, count)
  }
}
