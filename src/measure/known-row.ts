import type { AnswerRow, ListedRow } from '../formats/log-prob-json/index.js'
import type { KnownIds } from '../metrics/known-ids.js'

/** Servers compute log-probabilities in float32. */
const FLOAT32_ERROR = 2e-6

/** Half of the last digit, in nats, if all values are written with few digits. */
export function roundingOf(rows: readonly AnswerRow[]): number {
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

/** What a listed row is certain of. A sum above 1 shows that the values are less exact than they look. */
export function knownRow({ ids, logs, hasTop, cap }: ListedRow, rounding: number): KnownIds {
  const sum = logs.reduce((total, log) => total + Math.exp(log), 0)
  return { ids, logs, hasTop, cap, error: Math.max(rounding, 2 * Math.log(sum)) }
}
