import type { Layer, RankFiles } from '../../dumps/layers/index.js'
import { GoldenLogitsError } from '../../errors.js'
import { TensorReader } from '../../formats/tensor-reader.js'
import type { Budgets } from '../../io/budgets.js'
import { OpenStep } from '../open-step.js'
import { fusedNamed } from './fused.js'
import { measureTensors, type NoPair, type TensorPair } from './measure-tensors.js'
import { type Grid, readRanks } from './read-ranks.js'
import { type Candidate, isSum, keyOf, type Unread, WITH_RESIDUAL } from './readings.js'
import { sumsOf, withOrWithoutResidual } from './residual.js'

/** What was measured of one layer that both sides hold. */
export interface MeasuredLayer {
  /** The first output that holds floating-point numbers. */
  readonly output: TensorPair
  /** Inputs with a vector for each position of the output, such as hidden states. Empty if none were dumped. */
  readonly inputs: readonly TensorPair[]
  /** Inputs of integers: token ids and positions. */
  readonly ids: readonly TensorPair[]
  /** What was not compared of the layer, one line each. */
  readonly notes: readonly string[]
  /** How ranks, or the parts of a fused module, were made one output. */
  readonly reading: LayerReading
}

/** `golden`, `dump`: what was done to the tensors of a side; `''` if there was but one. `key`: the same for the same way. */
interface LayerReading {
  readonly key: string
  /** Neither side was split over another number of ranks or added up here, so that equal kernels give equal bits. */
  readonly isAlike: boolean
  readonly golden: string
  readonly dump: string
}

/** A layer that could not be measured. */
interface Unmeasured {
  readonly verdict: 'unreadable' | 'shape-mismatch' | 'no-output'
  readonly reason: string
  /** The reading of its ranks is open; that of layers of the same kind may decide. */
  readonly undecided?: boolean
}

/** A mask is added to attention scores: 0, or a number so low that nothing is left of the score. */
function isMask({ stats }: TensorPair): boolean {
  return stats.every(({ max, min }) => max <= 0 && min <= -10_000)
}

type Side = 'golden' | 'dump'

type Pair = TensorPair & { readonly reading: LayerReading }

/** Reads the layers of two dumps, one pair of tensors at a time. */
export class LayerReader {
  private readonly readers: Readonly<Record<Side, TensorReader>>

  constructor(golden: Partial<Budgets>, dump: Partial<Budgets>) {
    this.readers = { golden: new TensorReader(golden), dump: new TensorReader(dump) }
  }

  /** @param key the reading of layers of the same kind, for ranks that leave it open */
  measure(golden: Layer, dump: Layer, key?: string): MeasuredLayer | Unmeasured {
    const problem = problemOf(golden) ?? problemOf(dump)
    if (problem !== undefined) return { verdict: 'unreadable', reason: problem }
    const side = !hasOutputs(golden) ? 'the golden' : !hasOutputs(dump) ? 'the dump' : undefined
    if (side !== undefined) return { verdict: 'no-output', reason: `${side} holds no output of it` }
    try {
      return this.measureFiles(golden, dump, key)
    } catch (error) {
      if (!(error instanceof GoldenLogitsError)) throw error
      return { verdict: 'unreadable', reason: error.message }
    }
  }

  private measureFiles(golden: Layer, dump: Layer, key: string | undefined): MeasuredLayer | Unmeasured {
    const notes: string[] = []
    const count = Math.min(golden.outputs.length, dump.outputs.length)
    let output: Pair | undefined
    let problem: Unread | undefined
    for (let i = 0; i < count && !output; i++) {
      const pair = this.pair(golden, dump, 'outputs', i, key)
      if ('reason' in pair) problem ??= pair
      else if (pair.isFloat) output = pair
      else problem ??= { reason: `its output holds ${pair.dtypes[0]} and ${pair.dtypes[1]}, no floating-point numbers` }
      // A first output of another shape is not passed over: the second may be a cache.
      if (problem && !output) break
    }
    if (!output) return { verdict: 'shape-mismatch', ...problem! }
    if (Math.max(golden.outputs.length, dump.outputs.length) > 1 && !output.reading.key.includes(WITH_RESIDUAL)) {
      notes.push('its first output is compared')
    }
    for (const [side, text] of Object.entries({ golden: output.reading.golden, dump: output.reading.dump })) {
      if (text !== '') notes.push(`${side}: ${text}`)
    }
    return { output, ...this.measureInputs(golden, dump, output, notes), notes, reading: output.reading }
  }

  private measureInputs(golden: Layer, dump: Layer, output: TensorPair, notes: string[]) {
    const inputs: TensorPair[] = []
    const ids: TensorPair[] = []
    const counts = [golden, dump].map(({ inputs }) => inputs.length) as [number, number]
    // Operations of ATB read their weights, too. The first input is what the layer before left.
    const count = counts[0] === counts[1] ? counts[0] : Math.min(1, ...counts)
    if (counts[0] !== counts[1] && count > 0) {
      notes.push(`${counts[0]} inputs in the golden and ${counts[1]} in the dump: the first is compared`)
    }
    for (let i = 0; i < count; i++) {
      const pair = this.pair(golden, dump, 'inputs', i, undefined)
      if ('reason' in pair) notes.push(`input ${i} is not compared: ${pair.reason}`)
      else if (!pair.isFloat) ids.push(pair)
      else if (isMask(pair)) notes.push(`input ${i} is an attention mask, whose error says nothing about the others`)
      else if (pair.positions === output.positions) inputs.push(pair)
    }
    return { inputs, ids }
  }

  private pair(golden: Layer, dump: Layer, kind: keyof RankFiles, index: number, key: string | undefined) {
    const open: OpenStep[] = []
    const gridOf = (side: Side, at: number): Grid => {
      const files = filesOf(side === 'golden' ? golden : dump, kind, at)
      const step = new OpenStep(files.flat(), this.readers[side])
      open.push(step)
      let next = 0
      return files.map((ranks) => ranks.map(() => step.files[next++]!.tensors[0]!))
    }
    try {
      const sides = { golden: gridOf('golden', index), dump: gridOf('dump', index) }
      const fused = kind === 'outputs' ? (fusedNamed(golden.name) ?? fusedNamed(dump.name)) : undefined
      let read = readRanks(sides.golden, sides.dump, fused, key)
      const two = kind === 'outputs' ? sideWithTwo(golden, dump) : undefined
      if (two !== undefined) {
        const sums = sumsOf(sides[two], gridOf(two, 1))
        const { golden: g, dump: d }: Record<Side, Grid | undefined> = { ...sides, [two]: sums }
        if (g && d) read = withOrWithoutResidual(read, readRanks(g, d, fused, key), two, key)
      }
      const isAlike = sides.golden[0]!.length === sides.dump[0]!.length
      return 'reason' in read ? read : measured(read, isAlike)
    } finally {
      for (const step of open) step.close()
    }
  }
}

/** The side that returned several tensors where the other returned one. */
function sideWithTwo(golden: Layer, dump: Layer): Side | undefined {
  const [ours, theirs] = [golden.outputs.length, dump.outputs.length]
  if (ours === theirs || Math.min(ours, theirs) !== 1) return undefined
  return ours > theirs ? 'golden' : 'dump'
}

function measured(read: Candidate, isAlike: boolean): Pair | NoPair {
  const pair = measureTensors(read.golden.tensor, read.dump.tensor)
  if ('reason' in pair) return pair
  const { golden, dump } = read
  const reading = { key: keyOf(read), isAlike: isAlike && !isSum(golden) && !isSum(dump) }
  return { ...pair, reading: { ...reading, golden: golden.text, dump: dump.text } }
}

function problemOf({ problem, parts = [] }: Layer): string | undefined {
  return problem ?? parts.find((part) => part.problem !== undefined)?.problem
}

function hasOutputs(layer: Layer): boolean {
  return (layer.parts ?? [layer]).every(({ outputs, ranks = [] }) =>
    [{ outputs }, ...ranks].every((one) => one.outputs.length > 0),
  )
}

/** The files of a tensor: of each part, on each rank. Parts run side by side, so they share their inputs. */
function filesOf(layer: Layer, kind: keyof RankFiles, index: number): string[][] {
  const parts = layer.parts ?? [layer]
  const used = kind === 'inputs' ? parts.slice(0, 1) : parts
  return used.map((part) => (part.ranks ?? [part]).flatMap((rank) => rank[kind][index] ?? []))
}
