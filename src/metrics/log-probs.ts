import type { Row } from '../tensor/widen.js'
import { type CodedRow, MOST_IDS, sliceOf, type Values } from './coded-row.js'

/**
 * The distribution over the vocabulary after one position, as far as it is known. ln p of id i lies within `error` of
 * `logs[i]`; of an id whose value is not above `floor`, it may be any lower number.
 */
export interface LogProbs {
  readonly logs: Float64Array
  /** exp(logs) */
  readonly probs: Float64Array
  readonly error: number
  /** The same for the highest value of the row. */
  readonly topError: number
  /** −Infinity if every value is a value, and not only a bound. */
  readonly floor: number
  /** Of a row that is kept in fewer bits: `logs` and `probs` decode all of it when they are asked for. */
  readonly coded?: CodedRow
}

/** A row of codes as a distribution. The KL divergence of two of them takes no array of all values. */
export class CodedLogProbs implements LogProbs {
  readonly coded: CodedRow
  readonly error: number
  readonly topError: number
  readonly floor: number
  private decoded: Values | undefined

  constructor(coded: CodedRow, { error, topError, floor }: Pick<LogProbs, 'error' | 'topError' | 'floor'>) {
    this.coded = coded
    this.error = error
    this.topError = topError
    this.floor = floor
  }

  get logs(): Float64Array {
    return this.all().logs
  }

  get probs(): Float64Array {
    return this.all().probs
  }

  private all(): Values {
    if (this.decoded) return this.decoded
    const { length } = this.coded
    this.decoded = { logs: new Float64Array(length), probs: new Float64Array(length) }
    this.coded.decode(0, this.decoded)
    return this.decoded
  }
}

/** The KL divergence of two such distributions. */
interface KlBounds {
  readonly lo: number
  /**
   * Holds if no vocab id that is at the floor of a side moved by more than 1 nat beyond what the rows show: nothing bounds the KL
   * divergence without that.
   */
  readonly hi: number
  /** The KL divergence of the values as they are, within the bounds. */
  readonly estimate: number
  /** Vocab ids at the floor of a side. */
  readonly atFloor: number
}

/** How far an id at the floor may have moved beyond what the rows show, in nats. */
export const UNSEEN_NATS = 1

/** Rounding of float64 in sums over a vocabulary. */
export const ROUNDING = 1e-12

/**
 * The error of log-probabilities below −17, as a share of them: float32 rounds these by more than the error of a row. Rows with
 * no error have none there either.
 */
export function shareOfError(golden: number, dump: number): number {
  return Math.min(2 ** -23, Math.max(golden, dump))
}

/** The log-probabilities of exact logits, with a finite one and without NaN and +Inf. */
export function logProbsOf(logits: Row): LogProbs {
  let max = Number.NEGATIVE_INFINITY
  for (const logit of logits) if (logit > max) max = logit
  let sum = 0
  for (const logit of logits) sum += Math.exp(logit - max)
  const total = Math.log(sum)
  const logs = Float64Array.from(logits, (logit) => logit - max - total)
  return { logs, probs: logs.map(Math.exp), error: ROUNDING, topError: ROUNDING, floor: Number.NEGATIVE_INFINITY }
}

/**
 * Bounds of KL(golden ‖ dump) = Σ h(p, q) with h = p·ln(p/q) − p + q ≥ 0, which holds as Σp = Σq = 1: rounding errors of ln p and
 * ln q then count only as far as the two rows differ. Nothing is renormalised.
 */
export function klBounds(golden: LogProbs, dump: LogProbs): KlBounds {
  const sums = sumRows(golden, dump)
  const [g, d] = [golden.error, dump.error]
  const { h, linear, distance, p, q, low, high } = sums
  // The second order of h in the errors; third derivatives change it by at most the factor exp.
  const square = ((linear + p) * g * g + 2 * p * g * d + q * d * d) / 2
  const rounded = ROUNDING * (1 + h) + shareOfError(g, d) * linear
  const slack = (g * linear + d * distance + square) * Math.exp(2 * (g + d)) + rounded
  const lo = sums.isInfinite ? Number.POSITIVE_INFINITY : Math.max(0, h + low - slack)
  // With |ln(p/q)| ≤ u, h is at most p·(e^u − 1 − u).
  const unseen = hiddenMass(golden, sums) * (Math.exp(UNSEEN_NATS) - 1 - UNSEEN_NATS)
  const hi = sums.isInfinite ? Number.POSITIVE_INFINITY : h + high + slack + unseen
  const estimate = Math.min(Math.max(h + sums.stored, lo), hi)
  return { lo, hi, estimate, atFloor: sums.atFloor }
}

interface Sums {
  /** Over the ids that are at no floor: Σh, Σ|p·ln(p/q)|, Σ|q − p|, Σp, Σq. */
  h: number
  linear: number
  distance: number
  p: number
  q: number
  /** Over the ids at the floor of one side: the lowest and the highest Σh. */
  low: number
  high: number
  /** Σh of the ids at a floor, with the values as they are. */
  stored: number
  /** Σp of all ids of the golden above its floor, and the number of ids at both floors. */
  seen: number
  bothAtFloor: number
  atFloor: number
  /** The dump rules out an id that has probability in the golden. */
  isInfinite: boolean
}

function sumRows(golden: LogProbs, dump: LogProbs): Sums {
  const sums = { h: 0, linear: 0, distance: 0, p: 0, q: 0, low: 0, high: 0, stored: 0, seen: 0 }
  const all = { ...sums, bothAtFloor: 0, atFloor: 0, isInfinite: false }
  const length = golden.coded?.length ?? golden.logs.length
  const codes = bothCoded(golden, dump)
  const size = codes ? MOST_IDS : 0
  const sorted = { above: new Int32Array(size), countAbove: 0, mixed: new Int32Array(size), countMixed: 0 }
  for (let from = 0; from < length; from += MOST_IDS) {
    const to = Math.min(from + MOST_IDS, length)
    if (codes) {
      // Of ids at both floors only the number counts.
      codes.golden.sort(codes.dump, from, to, sorted)
      const { above, countAbove, mixed, countMixed } = sorted
      const atBoth = to - from - countAbove - countMixed
      all.atFloor += atBoth
      all.bothAtFloor += atBoth
      addAbove(all, codes.golden, codes.dump, above, countAbove)
      if (countMixed > 0) {
        addSome(all, golden, dump, codes.golden.pick(mixed, countMixed), codes.dump.pick(mixed, countMixed), countMixed)
      }
    } else addSome(all, golden, dump, partOf(golden, from, to), partOf(dump, from, to), to - from)
  }
  if (all.bothAtFloor > 0) all.stored += all.bothAtFloor * term(golden.floor, dump.floor)
  return all
}

/** Two rows of codes, of which code 0 alone is the floor, with a probability that float64 holds. */
function bothCoded({ coded: golden, floor: gFloor }: LogProbs, { coded: dump, floor: dFloor }: LogProbs) {
  const least = Math.exp(Math.min(gFloor, dFloor))
  // Of a tiny scale, other codes may be the same number as code 0.
  const isClear = (row: CodedRow) => row.lowest + row.scale > row.lowest
  return golden && dump && least > 0 && isClear(golden) && isClear(dump) ? { golden, dump } : undefined
}

function partOf(row: LogProbs, from: number, to: number): Values {
  return row.coded ? row.coded.part(from, to) : sliceOf(row, from, to)
}

/** Adds the terms of ids that are above the floors of both sides, as `addSome` does, without writing their values to memory. */
function addAbove(sums: Sums, golden: CodedRow, dump: CodedRow, ids: Int32Array, count: number): void {
  const { codes: gCodes, scale: gScale, lowest: gLowest, coarse: gCoarse, fine: gFine } = golden
  const { codes: dCodes, scale: dScale, lowest: dLowest, coarse: dCoarse, fine: dFine } = dump
  let { h, linear, distance, p: sumP, q: sumQ, seen } = sums
  for (let i = 0; i < count; i++) {
    const id = ids[i]!
    const g = gCodes[id]!
    const d = dCodes[id]!
    const p = gCoarse[g >>> 8]! * gFine[g & 255]!
    const q = dCoarse[d >>> 8]! * dFine[d & 255]!
    const px = p * (gLowest + gScale * g - (dLowest + dScale * d))
    h += px - p + q
    linear += Math.abs(px)
    distance += Math.abs(q - p)
    sumP += p
    sumQ += q
    seen += p
  }
  sums.h = h
  sums.linear = linear
  sums.distance = distance
  sums.p = sumP
  sums.q = sumQ
  sums.seen = seen
}

/** Adds the terms of some ids. The sums are local variables: this loop is most of a comparison. */
function addSome(sums: Sums, golden: LogProbs, dump: LogProbs, gSome: Values, dSome: Values, count: number): void {
  const { logs: gLogs, probs: gProbs } = gSome
  const { logs: dLogs, probs: dProbs } = dSome
  const [gFloor, dFloor] = [golden.floor, dump.floor]
  let { h, linear, distance, p: sumP, q: sumQ, seen } = sums
  let { low, high, stored, bothAtFloor, atFloor, isInfinite } = sums
  for (let i = 0; i < count; i++) {
    const a = gLogs[i]!
    const b = dLogs[i]!
    const p = gProbs[i]!
    const q = dProbs[i]!
    const isSeen = b > dFloor || b === Number.NEGATIVE_INFINITY
    if (p === 0) {
      // The id has no probability in float64.
      h += isSeen ? q : 0
      distance += isSeen ? q : 0
      sumQ += isSeen ? q : 0
      if (isSeen) continue
      atFloor++
      stored += q
      high += Math.exp(dFloor + dump.error)
    } else if (a > gFloor) {
      seen += p
      if (b > dFloor) {
        const x = a - b
        const px = p * x
        h += px - p + q
        linear += Math.abs(px)
        distance += Math.abs(q - p)
        sumP += p
        sumQ += q
      } else if (b === Number.NEGATIVE_INFINITY) isInfinite = true
      else {
        atFloor++
        stored += term(a, b)
        const [least, most, highest] = [a - golden.error, a + golden.error, dFloor + dump.error]
        low += least > highest ? term(least, highest) : 0
        const lowest = Math.min(dFloor, a) - dump.error - UNSEEN_NATS
        high += Math.max(term(most, lowest), term(most, highest), term(least, highest))
      }
    } else {
      atFloor++
      if (b > dFloor) {
        stored += term(a, b)
        const [most, least, highest] = [gFloor + golden.error, b - dump.error, b + dump.error]
        low += most < least ? term(most, least) : 0
        high += Math.max(Math.exp(highest), term(most, least))
      } else if (b === Number.NEGATIVE_INFINITY) high = Number.POSITIVE_INFINITY
      else bothAtFloor++
    }
  }
  sums.h = h
  sums.linear = linear
  sums.distance = distance
  sums.p = sumP
  sums.q = sumQ
  sums.seen = seen
  sums.low = low
  sums.high = high
  sums.stored = stored
  sums.bothAtFloor = bothAtFloor
  sums.atFloor = atFloor
  sums.isInfinite = isInfinite
}

/** h of two log-probabilities. */
function term(a: number, b: number): number {
  const p = Math.exp(a)
  return p === 0 ? Math.exp(b) : p * (a - b) - p + Math.exp(b)
}

/** How much probability of the golden may be on the ids that are at the floor of both sides. */
function hiddenMass(golden: LogProbs, { seen, bothAtFloor }: Sums): number {
  if (bothAtFloor === 0) return 0
  const most = bothAtFloor * Math.exp(golden.floor + golden.error)
  const top = golden.coded?.highest ?? golden.probs.reduce((highest, p) => Math.max(highest, p), 0)
  const least = top * Math.exp(-golden.topError) + (seen - top) * Math.exp(-golden.error)
  return Math.min(most, Math.max(0, 1 - least) + ROUNDING)
}
