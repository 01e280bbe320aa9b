import { crc32 } from '../lib/platform.js'
import type { Dtype } from '../tensor/dtype.js'
import { widen } from '../tensor/widen.js'
import { compareRows } from './compare-rows.js'
import { assertReserved, type RowBuffers, type RowKernel } from './kernel.js'
import type { RowComparison } from './types.js'

/**
 * The kernel in plain TypeScript: the reference for the WebAssembly kernel, and its replacement without WebAssembly.
 */
export class TypescriptKernel implements RowKernel {
  readonly name = 'typescript'
  private golden = new Uint8Array(0)
  private dump = new Uint8Array(0)
  private goldenBytes = 0
  private dumpBytes = 0
  private goldenRow = new Float32Array(0)
  private dumpRow = new Float32Array(0)

  reserve(goldenBytes: number, dumpBytes: number): RowBuffers {
    if (this.golden.length < goldenBytes) this.golden = new Uint8Array(goldenBytes)
    if (this.dump.length < dumpBytes) this.dump = new Uint8Array(dumpBytes)
    this.goldenBytes = goldenBytes
    this.dumpBytes = dumpBytes
    return { golden: this.golden.subarray(0, goldenBytes), dump: this.dump.subarray(0, dumpBytes) }
  }

  crc32(bytes: Uint8Array): number {
    return crc32(bytes)
  }

  compare(golden: Dtype, dump: Dtype, count: number, goldenFrom = 0, dumpFrom = 0): RowComparison {
    assertReserved(count, [golden, goldenFrom, this.goldenBytes], [dump, dumpFrom, this.dumpBytes])
    if (this.goldenRow.length < count) {
      this.goldenRow = new Float32Array(count)
      this.dumpRow = new Float32Array(count)
    }
    widen(this.golden.subarray(goldenFrom), golden, this.goldenRow.subarray(0, count))
    widen(this.dump.subarray(dumpFrom), dump, this.dumpRow.subarray(0, count))
    return compareRows(this.goldenRow, this.dumpRow, count)
  }
}
