import { groupBy } from '../../lib/group-by.js'
import type { MeasuredLayer } from '../../measure/layers/measure-layer.js'
import { median, type TensorPair } from '../../measure/layers/measure-tensors.js'
import type { Precision } from '../types.js'
import { firstNonFinite, firstUnequal, isSame } from './exact.js'
import { limitsOf } from './limits.js'
import { firstWrong, withoutRight } from './local-standing.js'
import { areParallel, isEmbedding, isWithin, kindOf } from './names.js'
import type { LayerFinding, LayerScore, RankedLayer } from './types.js'

interface Ladder {
  readonly scores: readonly LayerScore[]
  readonly finding: LayerFinding
}

/**
 * Errors below these say nothing: an eighth of the distance between 1 and the next number; all of it for float32, whose
 * kernels differ by the order in which they add up.
 */
export const EPSILON: Readonly<Record<Precision, number>> = { bf16: 2 ** -10, fp16: 2 ** -13, fp32: 2 ** -23 }

/**
 * The first layer that diverges, by the first rule that names one.
 *
 * The thresholds were chosen on faults planted in a model of 30 layers: see docs/layers.md. More positions permit lower ones: a
 * single position is a poor estimate.
 * @param layers in the order of execution
 */
export function climb(layers: readonly RankedLayer[], precision: Precision): Ladder {
  const epsilon = EPSILON[precision]
  const scores = scoresOf(layers, epsilon)
  if (layers.every(({ measured }) => isSame(measured.output))) return { scores, finding: { kind: 'identical' } }
  const open = withoutRight(layers, scores, precision)
  for (const [rule, first] of [
    ['non-finite', () => firstNonFinite(layers)],
    ['exact', () => firstUnequal(layers)],
    ['embedding', () => firstEmbedding(layers, epsilon)],
    ['local', () => firstWrong(layers, precision)],
  ] as const) {
    const index = first()
    if (index >= 0) return { scores, finding: { kind: 'layer', rule, index } }
  }
  const [overFloor, amplifying] = [firstOverFloor(layers, open), firstAmplifying(layers, open)]
  const isFloor = overFloor >= 0 && (amplifying < 0 || overFloor <= amplifying)
  const index = isFloor ? overFloor : amplifying
  if (index >= 0) return { scores, finding: { kind: 'layer', rule: isFloor ? 'floor' : 'amplification', index } }
  return { scores, finding: { kind: 'none', largest: largest(scores) } }
}

/** Every position counts: a median hides one bad row of the table. */
function firstEmbedding(layers: readonly RankedLayer[], epsilon: number): number {
  return layers.findIndex((layer) => {
    return isEmbedding(layer) && layer.measured.output.errors.some((error) => !(error <= 8 * epsilon))
  })
}

/** Below this, the typical amplification of a kind says only that its layers are exact. */
const MIN_TYPICAL = 0.25

function scoresOf(layers: readonly RankedLayer[], epsilon: number): LayerScore[] {
  const scores = layers.map((layer, i) => {
    const score = scoreOf(layer, previousOutput(layers, i), epsilon)
    return runsLayers(layer.name, layers) ? { positions: score.positions, output: score.output } : score
  })
  const amplifying = [...layers.keys()].filter((i) => scores[i]!.amplification !== undefined)
  const kinds = [...groupBy(amplifying, (i) => kindOf(layers[i]!.name)).values()]
  const small = kinds.filter(({ length }) => length < 3).flat()
  for (const members of [...kinds.filter(({ length }) => length >= 3), small]) {
    const finite = members.map((i) => scores[i]!.amplification!).filter(Number.isFinite)
    // If most layers of a kind are exact, a rounding elsewhere is no divergence.
    const typical = finite.length === 0 ? 1 : Math.max(median(finite), MIN_TYPICAL)
    for (const i of members) scores[i] = { ...scores[i]!, amplification: scores[i]!.amplification! / typical }
  }
  return scores
}

/** What a layer reads if its inputs were not dumped: what the layer before it wrote. */
function previousOutput(layers: readonly RankedLayer[], index: number): RankedLayer | undefined {
  // A container reads what the first layer inside it reads, and parallel projections read the same.
  let first = index
  while (first > 0 && isWithin(layers[first - 1]!.name, layers[index]!.name)) first--
  while (first > 0 && areParallel(layers[first - 1]!.name, layers[first]!.name)) first--
  return first === 0 ? undefined : layers[first - 1]
}

/** Does this module run several layers one after the other? Its error is theirs, so it is not judged by itself. */
function runsLayers(name: string, layers: readonly RankedLayer[]): boolean {
  const numbers = new Set<string>()
  for (const { name: inner } of layers) {
    if (!isWithin(inner, name)) continue
    const match = /^(?:[^.]+\.)*?\d+\.|^\d+_[^/]+\//.exec(inner.slice(name.length + 1))
    // The experts of a mixture run side by side.
    if (match && !/expert/i.test(match[0])) numbers.add(match[0])
  }
  return numbers.size > 1
}

function scoreOf(
  { name, type, measured, floor }: RankedLayer,
  previous: RankedLayer | undefined,
  epsilon: number,
): LayerScore {
  const rows = usedRows(measured.output)
  const isFirst = isEmbedding({ name, type })
  const output = rows.map((row) => measured.output.errors[row]!)
  const input = isFirst ? undefined : inputErrors(measured, previous?.measured, rows)
  const score = { positions: rows.length, output: median(output), ...(input && { input: median(input) }) }
  const amplification = input && median(output.map((error, i) => error / Math.max(input[i]!, 2 * epsilon)))
  const overFloor = floor && overFloorOf(output, usedErrors(floor.output, rows), epsilon)
  const floorInput = floor && inputErrors(floor, previous?.floor, rows)
  const inputOverFloor = isFirst ? 1 : input && floorInput && overFloorOf(input, floorInput, epsilon)
  return {
    ...score,
    ...(amplification !== undefined && { amplification }),
    ...(overFloor !== undefined && inputOverFloor !== undefined && { overFloor, inputOverFloor }),
  }
}

/** All positions but the first of each text, which attends to nothing else; that one too if there is no other. */
export function usedRows({ positions, sequence }: TensorPair): number[] {
  const rows = Array.from({ length: positions }, (_, row) => row)
  const later = sequence > 1 && positions % sequence === 0 ? rows.filter((row) => row % sequence > 0) : []
  return later.length > 0 ? later : rows
}

function usedErrors({ errors }: TensorPair, rows: readonly number[]): number[] | undefined {
  return rows.every((row) => row < errors.length) ? rows.map((row) => errors[row]!) : undefined
}

/** The largest error of all inputs, position by position; undefined if no input has these positions. */
function inputErrors(
  { inputs, output }: MeasuredLayer,
  previous: MeasuredLayer | undefined,
  rows: readonly number[],
): number[] | undefined {
  const pairs = inputs.length > 0 ? inputs : previous ? [previous.output] : []
  const usable = pairs.filter(({ positions }) => positions === output.positions)
  if (usable.length === 0) return undefined
  return rows.map((row) => Math.max(...usable.map(({ errors }) => errors[row]!)))
}

function overFloorOf(
  errors: readonly number[],
  floor: readonly number[] | undefined,
  epsilon: number,
): number | undefined {
  return floor && median(errors.map((error, i) => error / Math.max(floor[i]!, epsilon)))
}

function firstOverFloor(layers: readonly RankedLayer[], scores: readonly LayerScore[]): number {
  const isOver = (score: LayerScore, layer: RankedLayer) => {
    const { positions, overFloor, inputOverFloor, amplification = Infinity } = score
    if (overFloor === undefined || inputOverFloor === undefined) return false
    const least = limitsOf(positions, layer)
    const others = limitsOf(positions)
    return overFloor > least.floor && inputOverFloor <= others.floor && amplification > least.amplification
  }
  return firstOf(layers, scores, isOver, ({ overFloor }) => overFloor!)
}

/** A large fault lowers what is typical of its kind, so that an honest layer of the kind exceeds the limit, too: barely. */
const OF_LARGEST = 1 / 4

/** An output error of at most this many times the floor's is rounding. */
const NATURAL = 1.25

function firstAmplifying(layers: readonly RankedLayer[], scores: readonly LayerScore[]): number {
  const largest = new Map<string, number>()
  scores.forEach(({ amplification = 0 }, i) => {
    const kind = kindOf(layers[i]!.name)
    if (Number.isFinite(amplification)) largest.set(kind, Math.max(amplification, largest.get(kind) ?? 0))
  })
  const isOver = (score: LayerScore, layer: RankedLayer) => {
    const { positions, amplification, overFloor = Infinity, inputOverFloor = 0 } = score
    if (amplification === undefined) return false
    const least = limitsOf(positions, layer)
    // A layer that amplifies as much in the floor does so by nature, and an input that is over the floor has its own cause.
    const isNatural = overFloor <= NATURAL || inputOverFloor > limitsOf(positions).floor
    return !isNatural && amplification > Math.max(least.alone, (largest.get(kindOf(layer.name)) ?? 0) * OF_LARGEST)
  }
  return firstOf(layers, scores, isOver, ({ amplification }) => amplification!)
}

/** The first layer over a limit; of projections side by side, the one that is furthest over it. */
function firstOf(
  layers: readonly RankedLayer[],
  scores: readonly LayerScore[],
  isOver: (score: LayerScore, layer: RankedLayer) => boolean,
  sizeOf: (score: LayerScore) => number,
): number {
  const first = scores.findIndex((score, i) => isOver(score, layers[i]!))
  let best = first
  for (let i = first + 1; first >= 0 && i < layers.length && i < first + 4; i++) {
    if (!areParallel(layers[first]!.name, layers[i]!.name)) continue
    if (isOver(scores[i]!, layers[i]!) && sizeOf(scores[i]!) > sizeOf(scores[best]!)) best = i
  }
  return best
}

function largest(scores: readonly LayerScore[]): number[] {
  const size = ({ amplification, overFloor }: LayerScore) => overFloor ?? amplification ?? 0
  const indices = scores.map((_, i) => i).filter((i) => size(scores[i]!) > 0)
  return indices.sort((a, b) => size(scores[b]!) - size(scores[a]!)).slice(0, 3)
}
