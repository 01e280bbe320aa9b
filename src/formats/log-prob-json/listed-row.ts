import { describeValue } from '../../errors.js'
import { at, isObject, type Json } from '../json.js'

/** What an answer lists of the distribution at one position. */
export interface ListedRow {
  /** Ascending, none twice. */
  readonly ids: Int32Array
  /** ln p of each id. −Infinity for an id without probability. */
  readonly logs: Float64Array
  /** The most probable id is among them. */
  readonly hasTop: boolean
  /** ln p of every other id is at most this. */
  readonly cap: number
}

/** A position of which nothing can be used, and why. */
export interface NoRow {
  readonly problem: string
}

export type AnswerRow = ListedRow | NoRow

/** One entry of a list: the vocab id, and ln p of it. */
export type Entry = readonly [id: Json | undefined, log: Json | undefined]

/** Most vocabularies end far below, and Int32Array holds it. */
const MOST_ID = 2 ** 31 - 2

/** A log-probability may be rounded to a little more than 0. */
const MOST_LOG = 1e-3

/** How much more than 1 the probabilities of a row may sum to: probabilities computed in float16 do. */
const MOST_EXCESS = 5e-3

/**
 * The row of the entries of one position. One id may be listed twice, if it has one value.
 * @param cap ln p that no id exceeds unless it is listed; undefined if the list is not one of the most probable ids
 */
export function rowOf(entries: readonly Entry[], cap?: number): AnswerRow {
  const found = new Map<number, number>()
  for (const [id, log] of entries) {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > MOST_ID) {
      return { problem: `${shown(id)} is no vocab id` }
    }
    if (typeof log !== 'number') return { problem: `the log-probability of vocab id ${id} is ${shown(log)}` }
    if (log > MOST_LOG) {
      return { problem: `vocab id ${id} has the value ${log}, and no log-probability is above 0: ${PROCESSED}` }
    }
    const known = found.get(id)
    if (known !== undefined && known !== log) {
      return { problem: `vocab id ${id} is listed twice, with ${known} and ${log}` }
    }
    found.set(id, log)
  }
  if (found.size === 0) return { problem: 'it lists no vocab id' }
  const ids = Int32Array.from(found.keys()).sort()
  const logs = Float64Array.from(ids, (id) => found.get(id)!)
  const sum = logs.reduce((total, log) => total + Math.exp(log), 0)
  if (sum > 1 + MOST_EXCESS) return { problem: `its probabilities sum to ${sum.toPrecision(5)}, over 1: ${PROCESSED}` }
  const rest = Math.log(Math.max(0, 1 - sum) + MOST_EXCESS)
  const most = logs.reduce((highest, log) => Math.max(highest, log))
  return { ids, logs, hasTop: cap !== undefined || most > rest, cap: Math.min(cap ?? 0, rest) }
}

/** The lowest value in a list of the most probable ids. */
export function lowestOf(logs: readonly (Json | undefined)[]): number | undefined {
  const numbers = logs.filter((log) => typeof log === 'number')
  return numbers.length === 0 ? undefined : numbers.reduce((lowest, log) => Math.min(lowest, log))
}

/** The same, if the list may hold the token itself, too, which may be less probable than all others. */
export function lowestButOne(logs: readonly (Json | undefined)[]): number | undefined {
  const numbers = logs.filter((log) => typeof log === 'number').sort((a, b) => a - b)
  return numbers[1]
}

const PROCESSED =
  'ask the server for log-probabilities before sampling (vLLM: --logprobs-mode raw_logprobs; llama-server: "post_sampling_probs": false)'

/** How far from 1 the probabilities of a whole vocabulary may sum to, in float32. */
const WHOLE = 1e-4

/** Every id from 0 on is listed, and no probability is left for another. */
export function isWholeRow(row: AnswerRow): row is ListedRow {
  if ('problem' in row || row.ids.length < 2 || row.ids.at(-1) !== row.ids.length - 1) return false
  return Math.abs(row.logs.reduce((total, log) => total + Math.exp(log), 0) - 1) <= WHOLE
}

/** `token_id:17`, as vLLM writes ids in place of texts. */
export function idOfText(text: Json | undefined): number | undefined {
  const digits = typeof text === 'string' ? /^token_id:(\d{1,10})$/.exec(text)?.[1] : undefined
  return digits === undefined ? undefined : Number(digits)
}

/** The id of an entry of a list of objects: its own field, or in place of its text. */
export function idOf(entry: Json | undefined): Json | undefined {
  return at(entry, 'id') ?? idOfText(at(entry, 'token'))
}

/** A list of which a position names tokens by their texts alone: two ids may have one text. */
export const TEXTS_ONLY: NoRow = {
  problem:
    'it names tokens by their texts, and two vocab ids may have one text; ask for ids (vLLM: "return_tokens_as_token_ids": true)',
}

/** `{ "17": { "logprob": −0.5, "rank": 1 } }`: a position as vLLM lists it. */
export function rowOfIds(position: Json | undefined): AnswerRow {
  if (!isObject(position)) return { problem: `it is ${shown(position)}` }
  const entries = Object.entries(position).map(([id, entry]) => {
    return { id: DIGITS.test(id) ? Number(id) : id, log: isObject(entry) ? at(entry, 'logprob') : entry, entry }
  })
  const row = entries.map(({ id, log }): Entry => [id, log])
  if (entries.every(({ entry }) => at(entry, 'rank') === undefined)) {
    return rowOf(row, lowestButOne(row.map(([, log]) => log)))
  }
  // The token itself is listed with its rank, however low.
  const byRank = new Map(entries.map(({ entry, log }) => [at(entry, 'rank'), log]))
  let rank = 0
  while (byRank.has(rank + 1)) rank++
  return rowOf(row, lowestOf([byRank.get(rank)]))
}

export const DIGITS = /^\d{1,10}$/

function shown(value: Json | undefined): string {
  return value === undefined ? 'missing' : describeValue(value)
}

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
