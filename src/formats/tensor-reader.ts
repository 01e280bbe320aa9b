import { type Budgets, DEFAULT_BUDGETS, resolveBudgets } from '../io/budgets.js'
import type { ByteSource } from '../io/byte-source.js'
import type { LazyTensor } from '../tensor/tensor.js'
import { type FileLayout, hasExactLayout, LayoutRecorder } from './file-layout.js'
import { type Checksum, newChecks, type StoredTensor, ZLIB } from './format.js'
import { detectFormat } from './index.js'
import { storageTensor } from './storage-tensor.js'

/** The tensors of an open file, in stored order, at least one. */
export interface OpenTensors {
  readonly tensors: LazyTensor[]
  /** What other files may share with this one; undefined if it is too large to remember. */
  readonly layout: ParsedLayout | undefined
}

/** A layout and the tensors of every file that has it. */
interface ParsedLayout extends FileLayout {
  readonly stored: readonly StoredTensor[]
}

/** Layouts that are remembered. The files of a dump usually share one; a few more cover odd steps and several ranks. */
const MAX_LAYOUTS = 4

/** Opens files one after the other. A file with the same layout as one of the last few is not parsed again. */
export class TensorReader {
  readonly budgets: Readonly<Budgets>
  private readonly checksum: Checksum
  private layouts: readonly ParsedLayout[] = []

  /** @param checksum computes the CRC of bytes that are read */
  constructor(budgets?: Partial<Budgets>, checksum = ZLIB) {
    this.budgets = resolveBudgets(budgets)
    this.checksum = checksum
  }

  /**
   * Every tensor of an open file. Elements are read from `source` when they are asked for, so it must stay open until
   * then.
   * @throws GoldenLogitsError for every problem of the file
   */
  open(source: ByteSource): OpenTensors {
    const checks = newChecks(this.checksum)
    const known = this.recall(source)
    const { stored, layout } = known ? { stored: known.stored, layout: known } : this.parse(source)
    const tensors: LazyTensor[] = []
    for (let i = 0; i < stored.length; i++) {
      const tensor = stored[i]!
      const open = () => ({ bytes: tensor.open(source, checks), close: () => undefined })
      tensors.push(storageTensor(tensor, open, source.file, this.budgets))
    }
    return { tensors, layout }
  }

  private recall(source: ByteSource): ParsedLayout | undefined {
    for (let i = 0; i < this.layouts.length; i++) {
      const layout = this.layouts[i]!
      if (hasExactLayout(source, layout)) return layout
    }
    return undefined
  }

  private parse(source: ByteSource) {
    const recorder = new LayoutRecorder(source)
    const stored = detectFormat(source).read(recorder, this.budgets)
    const bytes = recorder.layout()
    const layout = bytes && { ...bytes, stored }
    if (layout) this.layouts = [layout, ...this.layouts.slice(0, MAX_LAYOUTS - 1)]
    return { stored, layout }
  }
}

/** The readers with default budgets. Each lives as long as its checksum. */
const readers = new WeakMap<Checksum, TensorReader>()

/**
 * The reader of these budgets and this checksum. With default budgets it is the same for every call, so that layouts are
 * parsed once for many comparisons.
 */
export function readerFor(budgets?: Partial<Budgets>, checksum = ZLIB): TensorReader {
  if (resolveBudgets(budgets) !== DEFAULT_BUDGETS) return new TensorReader(budgets, checksum)
  let reader = readers.get(checksum)
  if (!reader) {
    reader = new TensorReader(budgets, checksum)
    readers.set(checksum, reader)
  }
  return reader
}
