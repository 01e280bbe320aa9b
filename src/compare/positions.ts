import type { Dump, DumpStep } from '../dumps/types.js'
import { printable } from '../errors.js'
import type { Results } from '../measure/results.js'
import type { RowSource } from '../measure/row-source.js'
import type { Side } from './sides.js'

/** A step whose tensor holds several positions. */
interface LongStep {
  readonly step: number
  readonly positions: number
  readonly shape: readonly number[]
}

/**
 * Steps whose tensor holds several positions, of which the last was taken although nothing shows that it is the token's:
 * a batch, beams, speculative positions, padding of a captured graph. A prompt ends with its last position, and so does each
 * step of a run without a cache, which is as many positions longer than another step as steps lie between.
 * @returns for each such step the reason
 */
export function undecidedPositions(results: Results, golden: Side, dump: Side): Map<number, string> {
  const on = (name: 'golden' | 'dump', { dump, rows }: Side) =>
    undecidedSteps(name, dump, rows, shapesOf(results, name))
  return new Map([...on('dump', dump), ...on('golden', golden)])
}

/** The same for one side. @param shapes the shapes of the tensors, in the order of the steps; two with one position suffice */
export function undecidedSteps(
  side: 'golden' | 'dump',
  dump: Dump,
  source: RowSource,
  shapes: Iterable<{ readonly step: number; readonly shape: readonly number[] }>,
): Map<number, string> {
  const { promptStep, rows } = dump
  if (rows?.positions !== undefined) return new Map()
  const long: LongStep[] = []
  const offsets = new Set<number>()
  let count = 0
  for (const { step, shape } of shapes) {
    count++
    const positions = positionsOf(shape, rows?.sequence)
    if (offsets.size < 2) offsets.add(positions - step)
    if (positions > 1) long.push({ step, positions, shape })
  }
  const [first] = long
  if (!first) return new Map()
  const isWithoutCache = offsets.size === 1 && long.length > 1
  if (isWithoutCache) return new Map()
  // If another step is as long as the first, both hold a batch.
  const mayBePrompt = !long.some((other) => other !== first && other.positions === first.positions)
  const isPrompt = mayBePrompt && first.step === promptStep && !(count === 1 && isBatch(dump, first, source))
  const reasons = new Map((isPrompt ? long.slice(1) : long).map((one) => [one.step, reasonOf(side, dump, one)]))
  if (!isPrompt && mayBePrompt && promptStep !== undefined && first.step === dump.steps.at(0)?.step) {
    const text = `${reasons.get(first.step)}; if it is a prompt, load the ${side} with firstStep: ${first.step}`
    reasons.set(first.step, text)
  }
  return reasons
}

/** The shapes of the tensors of one side, without most of those that are known to have one position. */
function* shapesOf(results: Results, side: 'golden' | 'dump'): Generator<{ step: number; shape: readonly number[] }> {
  let plain = 0
  for (let i = 0; i < results.length; i++) {
    // A plain record has no note, so its row is the only position of its tensor. Its step is not made: there may be a million.
    if (results.plainShape(i)) {
      // Two are enough: they have one position each at different steps, as no run without a cache has.
      if (plain++ < 2) yield { step: results.stepAt(i), shape: ONE_POSITION }
      continue
    }
    const { step, outcome } = results.at(i)!
    const shape = outcome?.[side].fileShape
    if (shape) yield { step, shape }
  }
}

const ONE_POSITION = [1, 1]

/** Whether the step after the only one that was compared has as many positions: then both hold a batch. */
function isBatch({ steps, rows }: Dump, { step, positions }: LongStep, source: RowSource): boolean {
  const next = steps.at(0)?.step === step ? steps.at(1) : undefined
  const shape = next && shapeOf(next, source)
  return shape !== undefined && positionsOf(shape, rows?.sequence) === positions
}

/** The shape of a tensor that was not compared; undefined if it cannot be read. Opens its file, and reads no row. */
function shapeOf(step: DumpStep, source: RowSource): readonly number[] | undefined {
  const prepared = source.prepare(step, true)
  if (prepared.kind === 'row') prepared.close()
  return 'fileShape' in prepared ? prepared.fileShape : undefined
}

function positionsOf(shape: readonly number[], sequence: number | undefined): number {
  const axes = shape.slice(sequence === undefined ? 0 : 1, -1)
  return axes.reduce((product, size) => product * size, 1)
}

function reasonOf(side: string, { layout, tokenIds }: Dump, { step, positions, shape }: LongStep): string {
  const lists = [...(tokenIds ?? [])].map(([name, ids]) => `${printable(name, 40)} ${ids.length}`).join(', ')
  const run = layout === 'file' ? "; if they are the tokens of one run, positions: 'steps'" : ''
  const undecided = lists === '' ? '' : ` (the token ids with them do not decide it: ${lists})`
  return `the ${side} holds ${positions} rows at token ${step}, shape [${shape.join(', ')}]: a batch, beams or speculative positions${undecided}; say which count with loadDump's option sequence: 0 (of a batch) or positions: 'last' (or 'all', or a number)${run}`
}
