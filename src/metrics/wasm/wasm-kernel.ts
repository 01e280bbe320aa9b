import { crc32 } from '../../lib/platform.js'
import { type Dtype, itemSize } from '../../tensor/dtype.js'
import { widen } from '../../tensor/widen.js'
import { compareRows } from '../compare-rows.js'
import { type Divergence, klDivergence } from '../divergence.js'
import { assertReserved, type RowBuffers, type RowKernel } from '../kernel.js'
import { measure } from '../measure.js'
import type { RowComparison } from '../types.js'
import { type PlacedPair, wasmDivergence } from './divergence.js'
import { instantiate, type KernelExports } from './instance.js'
import { FOLDABLE, FOLDED, KIND, PAGE, RESULTS, ROWS, SLACK } from './layout.js'
import { type PairResults, RESULT_COUNT, readResults } from './results.js'

/** As the initial value, it makes the CRC register of zlib start from 0. */
const ONES = 0xffffffff

/**
 * The kernel in WebAssembly: several times as fast as the TypeScript kernel, and equal to it within 1e-11.
 * @throws an error of the engine if WebAssembly is disabled or has no SIMD
 */
export class WasmKernel implements RowKernel {
  readonly name = 'wasm'
  private readonly memory = new WebAssembly.Memory({ initial: ROWS / PAGE + 1 })
  private readonly kernel: KernelExports = instantiate(this.memory)
  private goldenBytes = 0
  private dumpBytes = 0
  private dumpAt = ROWS
  private results = this.resultsView()
  private wideGolden = new Float32Array(0)
  private wideDump = new Float32Array(0)

  reserve(goldenBytes: number, dumpBytes: number): RowBuffers {
    this.dumpAt = middleFrom(ROWS + goldenBytes + SLACK)
    const missing = this.dumpAt + dumpBytes + SLACK - this.memory.buffer.byteLength
    if (missing > 0) {
      this.memory.grow(Math.ceil(missing / PAGE))
      this.results = this.resultsView()
    }
    this.goldenBytes = goldenBytes
    this.dumpBytes = dumpBytes
    return { golden: this.bytes(ROWS, goldenBytes), dump: this.bytes(this.dumpAt, dumpBytes) }
  }

  crc32(bytes: Uint8Array): number {
    if (bytes.buffer !== this.memory.buffer || bytes.length < FOLDABLE) return crc32(bytes)
    const rest = this.kernel.foldRow(bytes.byteOffset, bytes.length)
    return crc32(this.bytes(FOLDED, rest), ONES)
  }

  compare(golden: Dtype, dump: Dtype, count: number, goldenFrom = 0, dumpFrom = 0): RowComparison {
    assertReserved(count, [golden, goldenFrom, this.goldenBytes], [dump, dumpFrom, this.dumpBytes])
    const pair: PlacedPair = {
      kernel: this.kernel,
      golden: { at: ROWS + goldenFrom, dtype: golden },
      dump: { at: this.dumpAt + dumpFrom, dtype: dump },
      count,
    }
    if (KIND[golden] < 0 || KIND[dump] < 0) return compareRows(...this.widened(pair), count)
    this.kernel.measurePair(pair.golden.at, KIND[golden], pair.dump.at, KIND[dump], count)
    const results = readResults(this.results)
    // NaN, +Inf, and sides without any finite logit are rare: TypeScript is fast enough.
    if (results === undefined || Math.min(results.golden.max, results.dump.max) === Number.NEGATIVE_INFINITY) {
      return compareRows(...this.widened(pair), count)
    }
    return measure(results, count, wasmDivergence(pair, results) ?? this.slowDivergence(pair, results))
  }

  private slowDivergence(pair: PlacedPair, results: PairResults): Divergence {
    return klDivergence(...this.widened(pair), pair.count, results.golden.top1, results.dump.max)
  }

  /** Both rows as float32, for the cases that are left to TypeScript. Valid until the next call. */
  private widened({ golden, dump, count }: PlacedPair): [Float32Array, Float32Array] {
    if (this.wideGolden.length < count) {
      this.wideGolden = new Float32Array(count)
      this.wideDump = new Float32Array(count)
    }
    const wide = [this.wideGolden.subarray(0, count), this.wideDump.subarray(0, count)] as const
    widen(this.bytes(golden.at, count * itemSize(golden.dtype)), golden.dtype, wide[0])
    widen(this.bytes(dump.at, count * itemSize(dump.dtype)), dump.dtype, wide[1])
    return [...wide]
  }

  private resultsView(): Float64Array {
    return new Float64Array(this.memory.buffer, RESULTS, RESULT_COUNT)
  }

  private bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, at, length)
  }
}

/**
 * The next address in the middle of a 4 KiB page. On some processors, copying is several times slower if the target's
 * offset in its page is a few bytes above the source's, and a row begins near the start of a page of its file.
 */
function middleFrom(at: number): number {
  return Math.ceil((at - 2048) / 4096) * 4096 + 2048
}
