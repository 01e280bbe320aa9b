import type { DumpStep } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import { llamaDebugWidth } from '../formats/llama-debug.js'
import { type Budgets, resolveBudgets } from '../io/budgets.js'
import { openFile } from '../io/file-source.js'
import { type Prepared, type RowSource, rowPart } from './row-source.js'

/** The row in a file of llama-debug, which has no header. */
export class LlamaDebugSource implements RowSource {
  private readonly budgets: Readonly<Budgets>

  constructor(budgets: Partial<Budgets>) {
    this.budgets = resolveBudgets(budgets)
  }

  prepare({ files }: DumpStep): Prepared {
    const file = files[0]!
    let source: ReturnType<typeof openFile> | undefined
    try {
      const opened = openFile(file, this.budgets)
      source = opened
      // Once more: the files may have been replaced since they were listed.
      const width = llamaDebugWidth(opened, this.budgets)
      const part = rowPart(file, 'float32', width, (into) => opened.read(0, into))
      const close = () => opened.close()
      return { kind: 'row', dtype: 'float32', fileShape: [1, width], parts: [part], notes: [], assumed: false, close }
    } catch (error) {
      source?.close()
      if (error instanceof GoldenLogitsError) return { kind: 'unreadable', reason: error.message }
      throw error
    }
  }
}
