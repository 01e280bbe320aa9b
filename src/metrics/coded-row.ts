import type { RowScan } from './row-scan.js'

/** ln p and p of some ids. */
export interface Values {
  readonly logs: Float64Array
  readonly probs: Float64Array
}

export function sliceOf({ logs, probs }: Values, from: number, to: number): Values {
  return { logs: logs.subarray(from, to), probs: probs.subarray(from, to) }
}

/** Vocab ids of two coded rows. */
interface SortedIds {
  /** Above code 0 on both sides. */
  readonly above: Int32Array
  countAbove: number
  /** At code 0 on one side. */
  readonly mixed: Int32Array
  countMixed: number
}

/** Ids that are summed at a time: their values stay in the processor's first cache. */
export const MOST_IDS = 1024

/**
 * Log-probabilities in 16 bits each: ln p of vocab id i is `lowest + scale * codes[i]`. Its memory is used for one row after
 * another.
 */
export class CodedRow {
  codes: Uint16Array = new Uint16Array(0)
  scale = 0
  lowest = 0
  /** What `scanRow` finds of all ln p. */
  scan: RowScan = { max: 0, min: 0, mean: 0, top1: 0, top1Logit: 0 }
  /** Σp */
  sum = 0
  /** Vocab ids with code 0. */
  atLowest = 0
  /** exp(lowest + scale·code) is `coarse[code >>> 8] * fine[code & 255]`. */
  readonly coarse = new Float64Array(256)
  readonly fine = new Float64Array(256)
  private readonly some: Values = { logs: new Float64Array(MOST_IDS), probs: new Float64Array(MOST_IDS) }

  /** Takes another row. `codes` is kept, not copied. */
  load(scale: number, lowest: number, codes: Uint16Array): void {
    this.codes = codes
    this.scale = scale
    this.lowest = lowest
    for (let i = 0; i < 256; i++) {
      this.coarse[i] = Math.exp(lowest + scale * 256 * i)
      this.fine[i] = Math.exp(scale * i)
    }
    this.scanAll()
  }

  get length(): number {
    return this.codes.length
  }

  /** The highest p. */
  get highest(): number {
    const code = this.codes[this.scan.top1]!
    return this.coarse[code >>> 8]! * this.fine[code & 255]!
  }

  /** ln p of a vocab id. */
  logAt(id: number): number {
    return this.logOf(this.codes[id]!)
  }

  /** The ids from `from` to `to`, `MOST_IDS` or less, valid until the next call. */
  part(from: number, to: number): Values {
    const { some } = this
    const values = to - from === MOST_IDS ? some : sliceOf(some, 0, to - from)
    this.decode(from, values)
    return values
  }

  /** Sorts the ids from `from` to `to` by their codes on both sides: those at code 0 on both are in no list. */
  sort({ codes: others }: CodedRow, from: number, to: number, sorted: SortedIds): void {
    const { codes } = this
    const { above, mixed } = sorted
    let countAbove = 0
    let countMixed = 0
    for (let id = from; id < to; id++) {
      const a = codes[id]!
      const b = others[id]!
      // Each is 1 or 0, without a branch that would often be mispredicted.
      const isAnyZero = ((a - 1) | (b - 1)) >>> 31
      const isAnyAbove = ((a | b) + 0xffff) >>> 16
      above[countAbove] = id
      countAbove += 1 - isAnyZero
      mixed[countMixed] = id
      countMixed += isAnyZero & isAnyAbove
    }
    sorted.countAbove = countAbove
    sorted.countMixed = countMixed
  }

  /** These ids, `MOST_IDS` or less, valid until the next call. */
  pick(ids: Int32Array, count: number): Values {
    const { codes, scale, lowest, coarse, fine, some } = this
    const { logs, probs } = some
    for (let i = 0; i < count; i++) {
      const code = codes[ids[i]!]!
      logs[i] = lowest + scale * code
      probs[i] = coarse[code >>> 8]! * fine[code & 255]!
    }
    return some
  }

  decode(from: number, { logs, probs }: Values): void {
    const { codes, scale, lowest, coarse, fine } = this
    for (let i = 0; i < logs.length; i++) {
      const code = codes[from + i]!
      logs[i] = lowest + scale * code
      probs[i] = coarse[code >>> 8]! * fine[code & 255]!
    }
  }

  /** By one pass over the codes, which are in the order of the values. */
  private scanAll(): void {
    const { codes, coarse, fine } = this
    const facts = { sum: 0.5, codeSum: 0.5, most: -1, least: 0xffff, top: 0, atLowest: 0 }
    for (let from = 0; from < codes.length; from += MOST_IDS) {
      addCodes(facts, codes, coarse, fine, from, Math.min(from + MOST_IDS, codes.length))
    }
    const { most, least, top, atLowest } = facts
    const max = this.logOf(most)
    // Of a tiny scale, several codes may be one number: the first id is the top.
    const top1 = max > this.logOf(most - 1) ? top : codes.findIndex((code) => this.logOf(code) === max)
    const mean = this.lowest + this.scale * ((facts.codeSum - 0.5) / codes.length)
    this.scan = { max, min: this.logOf(least), mean, top1, top1Logit: max }
    this.sum = facts.sum - 0.5
    this.atLowest = atLowest
  }

  private logOf(code: number): number {
    return this.lowest + this.scale * code
  }
}

interface Facts {
  /** Σp and the sum of the codes, each and a half: V8 keeps what never was an integer as float64. */
  sum: number
  codeSum: number
  most: number
  least: number
  /** The first id with the highest code. */
  top: number
  atLowest: number
}

/**
 * Called for a part of a row at a time, so that V8 compiles it as a whole: code that it compiles within the loop of a long row
 * is thrown away at the end of each row.
 */
function addCodes(
  facts: Facts,
  codes: Uint16Array,
  coarse: Float64Array,
  fine: Float64Array,
  from: number,
  to: number,
): void {
  let { sum, codeSum, most, least, top, atLowest } = facts
  for (let i = from; i < to; i++) {
    const code = codes[i]!
    sum += coarse[code >>> 8]! * fine[code & 255]!
    codeSum += code
    if (code > most) {
      most = code
      top = i
    }
    if (code < least) least = code
    // 1 for code 0: half of the ids may have it, in no order, and a branch would be mispredicted as often.
    atLowest += (code - 1) >>> 31
  }
  facts.sum = sum
  facts.codeSum = codeSum
  facts.most = most
  facts.least = least
  facts.top = top
  facts.atLowest = atLowest
}
