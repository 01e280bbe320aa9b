import { GoldenLogitsError } from '../errors.js'
import { isWholeRow } from '../formats/log-prob-json/index.js'
import { knownRow } from './known-row.js'
import type { RowSource } from './row-source.js'

/** Rows of log-probabilities in the answers of a server, which the steps hold. */
export const ANSWERS_SOURCE: RowSource = {
  prepare({ step, position, files: [file = ''], listed }) {
    if (!listed) return { kind: 'unreadable', reason: `no log-probabilities of token ${step} are in memory` }
    const { row, rounding } = listed
    if ('problem' in row) {
      const { message } = new GoldenLogitsError('bad-tensor', `row ${position ?? 0}: ${row.problem}`, { file })
      return { kind: 'unreadable', reason: message }
    }
    const facts = { dtype: 'float64', fileShape: [1, row.ids.length], file, notes: [] } as const
    const known = knownRow(row, rounding)
    if (!isWholeRow(row)) return { kind: 'known-ids', ...facts, known }
    const { logs, error } = known
    const read = () => ({ logs, probs: logs.map(Math.exp), error, topError: error, floor: Number.NEGATIVE_INFINITY })
    return { kind: 'log-probs', ...facts, width: logs.length, read }
  },
}
