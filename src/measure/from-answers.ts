import type { DumpStep } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import {
  type AnswerRow,
  isWholeRow,
  type ListedRow,
  readAnswers,
  rowsOfAnswers,
} from '../formats/log-prob-json/index.js'
import { type Budgets, resolveBudgets } from '../io/budgets.js'
import type { ByteSource } from '../io/byte-source.js'
import { withFile } from '../io/file-source.js'
import type { KnownIds } from '../metrics/known-ids.js'
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

/** Servers compute log-probabilities in float32. */
const FLOAT32_ERROR = 2e-6

/** Half of the last digit, in nats, if all values are written with few digits. */
function roundingOf(rows: readonly AnswerRow[]): number {
  let decimals = 0
  for (const row of rows) {
    if ('problem' in row) continue
    for (const log of row.logs) {
      decimals = Math.max(decimals, decimalsOf(log))
      if (decimals > 6) return FLOAT32_ERROR
    }
  }
  return Math.max(0.5 * 10 ** -decimals, FLOAT32_ERROR)
}

function decimalsOf(value: number): number {
  const text = String(value)
  if (text.includes('e')) return 7
  return text.includes('.') ? text.length - text.indexOf('.') - 1 : 0
}

/** A sum above 1 shows that the values are less exact than they look. */
function knownRow({ ids, logs, hasTop, cap }: ListedRow, rounding: number): KnownIds {
  const sum = logs.reduce((total, log) => total + Math.exp(log), 0)
  return { ids, logs, hasTop, cap, error: Math.max(rounding, 2 * Math.log(sum)) }
}
