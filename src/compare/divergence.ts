import { type NearTie, nearTie } from '../metrics/near-tie.js'
import type { RowNoise } from '../metrics/row-noise.js'
import type { RowStats } from '../metrics/types.js'
import type { Precision, TokenComparison } from './types.js'

/** True if the top-1 of both sides is known: the rows were measured, or a compact snapshot bounds the metrics. */
export function knowsTop1({ golden, dump }: TokenComparison): boolean {
  return golden?.top1 !== undefined && dump?.top1 !== undefined
}

/** True if the two sides prefer different tokens. */
export function isFlip(token: TokenComparison): boolean {
  return knowsTop1(token) && token.golden!.top1 !== token.dump!.top1
}

/** How far a flip moved two logits against each other; undefined if the logits are not known. */
export function flipOf(
  golden: Partial<RowStats>,
  dump: Partial<RowStats>,
  precision: Precision,
  noise: Pick<RowNoise, 'topSpread' | 'goldenDeviation'> | undefined,
): NearTie | undefined {
  if (golden.top1 === dump.top1) return undefined
  if (golden.logitAtOtherTop1 === undefined || dump.logitAtOtherTop1 === undefined) return undefined
  const { topSpread = Number.NaN, goldenDeviation = Number.NaN } = noise ?? {}
  return nearTie(golden as RowStats, dump as RowStats, precision, topSpread, goldenDeviation)
}

/** The token at which the two runs begin to read different texts. */
export interface Divergence {
  readonly index: number
  readonly step: number
}

/** A token as far as the first divergence depends on it. */
export interface FlipPlace {
  readonly step: number
  readonly position: number | undefined
  readonly isFlip: boolean
}

/** The first token whose top-1 differs. Of a prompt's positions only the last one decides what is read next. */
export function firstFlip(places: Iterable<FlipPlace>): Divergence | undefined {
  let index = 0
  let prompt: Divergence | undefined
  for (const { step, position, isFlip: flips } of places) {
    const place = flips ? { index, step } : undefined
    if (step === 0 && position !== undefined) prompt = place
    else if (prompt ?? place) return prompt ?? place
    index++
  }
  return prompt
}

/** The same of tokens. */
export function firstDivergence(tokens: Iterable<TokenComparison>): Divergence | undefined {
  return firstFlip(placesOf(tokens))
}

function* placesOf(tokens: Iterable<TokenComparison>): Iterable<FlipPlace> {
  for (const token of tokens) {
    yield { step: token.step, position: token.position, isFlip: isFlip(token) }
  }
}

/** Whether rounding explains a flip. */
export function isNearTie({ flip }: TokenComparison): boolean {
  return flip?.isBenign === true
}
