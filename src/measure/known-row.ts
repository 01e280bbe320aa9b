import type { ListedRow } from '../formats/log-prob-json/index.js'
import type { KnownIds } from '../metrics/known-ids.js'

/** What a listed row is certain of. A sum above 1 shows that the values are less exact than they look. */
export function knownRow({ ids, logs, hasTop, cap }: ListedRow, rounding: number): KnownIds {
  const sum = logs.reduce((total, log) => total + Math.exp(log), 0)
  return { ids, logs, hasTop, cap, error: Math.max(rounding, 2 * Math.log(sum)) }
}
