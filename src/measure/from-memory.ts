import { type Dtype, itemSize } from '../tensor/dtype.js'
import type { Prepared, RowSource } from './row-source.js'

/** One step's logits in memory: raw little-endian elements. */
export interface MemoryRow {
  readonly bytes: Uint8Array
  readonly dtype: Dtype
}

/** Rows that are in memory already. @param rowOf the row of a step; undefined if there is none */
export function memorySource(rowOf: (step: number) => MemoryRow | undefined): RowSource {
  return {
    prepare({ step }): Prepared {
      const row = rowOf(step)
      if (!row) return { kind: 'unreadable', reason: `no row of token ${step} is in memory` }
      const { bytes, dtype } = row
      const width = bytes.length / itemSize(dtype)
      const read = (into: Uint8Array) => {
        into.set(bytes)
        return 0
      }
      const part = { file: 'memory', dtype, width, room: bytes.length, read }
      const close = () => undefined
      return { kind: 'row', dtype, fileShape: [1, width], parts: [part], notes: [], assumed: false, close }
    },
  }
}
