import type { Layer } from '../../dumps/layers/index.js'
import { GoldenLogitsError } from '../../errors.js'
import { TensorReader } from '../../formats/tensor-reader.js'
import type { Budgets } from '../../io/budgets.js'
import { OpenStep } from '../open-step.js'
import { measureTensors, type TensorPair } from './measure-tensors.js'

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
}

/** A layer that could not be measured. */
export interface Unmeasured {
  readonly verdict: 'unreadable' | 'shape-mismatch' | 'no-output'
  readonly reason: string
}

/** A mask is added to attention scores: 0, or a number so low that nothing is left of the score. */
function isMask({ stats }: TensorPair): boolean {
  return stats.every(({ max, min }) => max <= 0 && min <= -10_000)
}

/** Reads the layers of two dumps, one pair of tensors at a time. */
export class LayerReader {
  private readonly golden: TensorReader
  private readonly dump: TensorReader

  constructor(golden: Partial<Budgets>, dump: Partial<Budgets>) {
    this.golden = new TensorReader(golden)
    this.dump = new TensorReader(dump)
  }

  measure(golden: Layer, dump: Layer): MeasuredLayer | Unmeasured {
    const problem = golden.problem ?? dump.problem
    if (problem !== undefined) return { verdict: 'unreadable', reason: problem }
    if (golden.outputs.length === 0 || dump.outputs.length === 0) {
      const side = golden.outputs.length === 0 ? 'the golden' : 'the dump'
      return { verdict: 'no-output', reason: `${side} holds no output of it` }
    }
    try {
      return this.measureFiles(golden, dump)
    } catch (error) {
      if (!(error instanceof GoldenLogitsError)) throw error
      return { verdict: 'unreadable', reason: error.message }
    }
  }

  private measureFiles(golden: Layer, dump: Layer): MeasuredLayer | Unmeasured {
    const notes: string[] = []
    const count = Math.min(golden.outputs.length, dump.outputs.length)
    let output: TensorPair | undefined
    let reason = ''
    for (let i = 0; i < count && !output; i++) {
      const pair = this.pair(golden.outputs[i]!, dump.outputs[i]!)
      if ('reason' in pair) reason ||= pair.reason
      else if (pair.isFloat) output = pair
      else reason ||= `its output holds ${pair.dtypes[0]} and ${pair.dtypes[1]}, no floating-point numbers`
      // A first output of another shape is not passed over: the second may be a cache.
      if (reason !== '' && !output) break
    }
    if (!output) return { verdict: 'shape-mismatch', reason }
    if (Math.max(golden.outputs.length, dump.outputs.length) > 1) notes.push('its first output is compared')
    return { output, ...this.measureInputs(golden, dump, output, notes), notes }
  }

  private measureInputs(golden: Layer, dump: Layer, output: TensorPair, notes: string[]) {
    const inputs: TensorPair[] = []
    const ids: TensorPair[] = []
    if (golden.inputs.length !== dump.inputs.length) {
      if (golden.inputs.length > 0 && dump.inputs.length > 0) {
        notes.push(`${golden.inputs.length} inputs in the golden and ${dump.inputs.length} in the dump: not compared`)
      }
      return { inputs, ids }
    }
    for (let i = 0; i < golden.inputs.length; i++) {
      const pair = this.pair(golden.inputs[i]!, dump.inputs[i]!)
      if ('reason' in pair) notes.push(`input ${i} is not compared: ${pair.reason}`)
      else if (!pair.isFloat) ids.push(pair)
      else if (isMask(pair)) notes.push(`input ${i} is an attention mask, whose error says nothing about the others`)
      else if (pair.positions === output.positions) inputs.push(pair)
    }
    return { inputs, ids }
  }

  private pair(golden: string, dump: string) {
    const left = new OpenStep([golden], this.golden)
    try {
      const right = new OpenStep([dump], this.dump)
      try {
        return measureTensors(left.files[0]!.tensors[0]!, right.files[0]!.tensors[0]!)
      } finally {
        right.close()
      }
    } finally {
      left.close()
    }
  }
}
