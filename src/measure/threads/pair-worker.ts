import type { RowKernel } from '../../metrics/kernel.js'
import { type FilesSetting, FilesSource } from '../from-files.js'
import { measurePair, type PairSetting } from '../measure-pair.js'
import { isMeasured, type Outcome } from '../outcome.js'
import { hasShape } from '../pair-shape.js'
import { writeRecord } from '../record.js'
import type { RowSource } from '../row-source.js'
import { type Batch, noteWritten } from './batch.js'
import { pairIn } from './batch-memory.js'
import type { Maker } from './serve.js'

/** Measures the pairs of a batch. @param golden the source of its golden rows, if that is no source of files */
export function pairWorker(batch: Batch, kernel: RowKernel, golden?: RowSource): Maker<Outcome> {
  const setting: PairSetting = {
    golden: golden ?? new FilesSource(batch.golden as FilesSetting, kernel),
    dump: new FilesSource(batch.dump, kernel),
    vocabSize: batch.vocabSize,
    precision: batch.precision,
    keys: batch.keys,
    kernel,
  }
  return {
    make(index) {
      const pair = pairIn(batch.memory, index)
      if (!pair) return undefined
      const outcome = measurePair(pair.golden, pair.dump, setting)
      // The main thread knows the files.
      outcome.golden.files = []
      outcome.dump.files = []
      return wroteRecord(batch, index, outcome) ? undefined : outcome
    },
    end() {
      setting.golden.releaseFiles?.()
      setting.dump.releaseFiles?.()
    },
  }
}

/** Most pairs are a record of numbers. Of any other, and of one with a new shape, the main thread needs to know more. */
function wroteRecord(batch: Batch, index: number, outcome: Outcome): boolean {
  if (!isMeasured(outcome)) return false
  const shape = batch.shapes.findIndex((known) => hasShape(outcome, known))
  if (shape < 0) return false
  writeRecord(batch.memory.records, index, outcome, shape)
  noteWritten(batch, index)
  return true
}
