import type { DumpStep } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import { type AnswerRow, isWholeRow, readAnswers, rowsOfAnswers } from '../formats/log-prob-json/index.js'
import { type Budgets, resolveBudgets } from '../io/budgets.js'
import type { ByteSource } from '../io/byte-source.js'
import { withFile } from '../io/file-source.js'
import { knownRow, roundingOf } from './known-row.js'
import type { Prepared, RowSource } from './row-source.js'

/** Rows of log-probabilities in the answers of a server. They are parsed once, and kept until `releaseFiles`. */
export class AnswersSource implements RowSource {
  private readonly budgets: Readonly<Budgets>
  private open: { readonly file: string; readonly rows: readonly AnswerRow[]; readonly rounding: number } | undefined

  constructor(budgets: Partial<Budgets>) {
    this.budgets = resolveBudgets(budgets)
  }

  prepare({ files, position = 0 }: DumpStep): Prepared {
    const file = files[0]!
    try {
      const { rows, rounding } = this.opened(file)
      const row = rows[position]
      if (!row) throw new GoldenLogitsError('file-changed', `has no row ${position} any more`, { file })
      if ('problem' in row) throw new GoldenLogitsError('bad-tensor', `row ${position}: ${row.problem}`, { file })
      const facts = { dtype: 'float64', fileShape: [1, row.ids.length], file, notes: [] } as const
      const known = knownRow(row, rounding)
      if (!isWholeRow(row)) return { kind: 'known-ids', ...facts, known }
      const { logs, error } = known
      const read = () => ({ logs, probs: logs.map(Math.exp), error, topError: error, floor: Number.NEGATIVE_INFINITY })
      return { kind: 'log-probs', ...facts, width: logs.length, read }
    } catch (error) {
      if (error instanceof GoldenLogitsError) return { kind: 'unreadable', reason: error.message }
      throw error
    }
  }

  releaseFiles(): void {
    this.open = undefined
  }

  private opened(file: string) {
    if (this.open?.file === file) return this.open
    const read = (source: ByteSource) => rowsOfAnswers(readAnswers(source, this.budgets) ?? [])
    const rows = withFile(file, read, this.budgets)
    this.open = { file, rows, rounding: roundingOf(rows) }
    return this.open
  }
}
