import { locateRow, type RowChoice } from '../dumps/locate-row.js'
import { type Prepared, type RowSource, rowPart } from './row-source.js'

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
      const part = rowPart('memory', dtype, width, (into) => tensor.readRaw(start, width, into))
      const close = () => undefined
      return { kind: 'row', dtype, fileShape: tensor.shape, parts: [part], notes, assumed: false, close }
    },
  }
}
