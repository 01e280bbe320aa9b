import { locateRow, type RowChoice } from '../dumps/locate-row.js'
import { itemSize } from '../tensor/dtype.js'
import type { Prepared, RowSource } from './row-source.js'

/** Rows of tensors that the steps themselves hold in memory. */
export function memorySource(choice: RowChoice): RowSource {
  return {
    prepare({ step, tensor, position }): Prepared {
      if (!tensor) return { kind: 'unreadable', reason: `no logits of token ${step} are in memory` }
      const notes: string[] = []
      const place = locateRow([tensor], choice, notes, position)
      if (place.kind !== 'row') return place
      const { dtype } = tensor
      const { width, start } = place
      const read = (into: Uint8Array) => {
        tensor.readRaw(start, width, into)
        return 0
      }
      const part = { file: 'memory', dtype, width, room: width * itemSize(dtype), read }
      const close = () => undefined
      return { kind: 'row', dtype, fileShape: tensor.shape, parts: [part], notes, assumed: false, close }
    },
  }
}
