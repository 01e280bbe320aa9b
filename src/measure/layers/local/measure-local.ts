import type { Layer } from '../../../dumps/layers/index.js'
import { TensorReader } from '../../../formats/tensor-reader.js'
import type { Budgets } from '../../../io/budgets.js'
import type { LazyTensor } from '../../../tensor/tensor.js'
import { elements } from '../derived-tensors.js'
import { isFloat, median } from '../measure-tensors.js'
import type { Checkpoint } from './checkpoint.js'
import { activations, type Formula, fittedNorms, norms } from './formulas.js'
import { productErrors } from './product.js'
import { type LayerRows, readLayerRows } from './rows.js'

/** How far a layer's output is from what its own input and weight make, in float64. Medians over positions. */
export interface LocalError {
  /** What was computed, for messages. */
  readonly formula: string
  /** ‖output − f(input)‖ / ‖f(input)‖ on each side. */
  readonly golden: number
  readonly dump: number
  /** The softmax rounds more than a product does. */
  readonly isAttention?: true
}

/** Positions of the dump that are computed: more cost time, and say little more. */
export const MOST_POSITIONS = 16
/** The golden only shows that the formula is right. */
const GOLDEN_POSITIONS = 4
/** A weight that is fitted to fewer positions of the golden shows nothing. */
const FITTED_POSITIONS = 4
/** A table of embeddings has bad rows, so every position counts. */
const LOOKUPS = 4096

export type LayerKind = 'embedding' | 'norm' | 'activation' | 'other'

/** Computes layers from their own inputs, one weight at a time. */
export class LocalReader {
  readonly readers: readonly [golden: TensorReader, dump: TensorReader]
  private readonly checkpoint: Checkpoint | undefined

  constructor(golden: Partial<Budgets>, dump: Partial<Budgets>, checkpoint: Checkpoint | undefined) {
    this.readers = [new TensorReader(golden), new TensorReader(dump)]
    this.checkpoint = checkpoint
  }

  /**
   * @param weight the name of its weights in the checkpoint, without `.weight` and `.bias`
   * @returns undefined if the layer cannot be computed from what is at hand
   * @throws GoldenLogitsError for a broken checkpoint
   */
  measure(golden: Layer, dump: Layer, kind: LayerKind, weight: string | undefined): LocalError | undefined {
    if (weight === undefined && (kind === 'embedding' || kind === 'other')) return undefined
    if (![golden, dump].every(isSingle)) return undefined
    const most = kind === 'embedding' ? LOOKUPS : MOST_POSITIONS
    const [g, d] = [readLayerRows(golden, this.readers[0], most), readLayerRows(dump, this.readers[1], most)]
    if (!g || !d || g.outputs.length === 0 || d.outputs.length === 0) return undefined
    const sides = { golden: g, dump: d }
    if (weight === undefined) return best(kind === 'norm' ? fitted(sides.golden) : activations(), sides)
    return this.checkpoint!.read(`${weight}.weight`, (tensor) => {
      if (!isFloat(tensor.dtype)) return undefined
      return kind === 'embedding' ? lookUp(tensor, sides) : this.compute(tensor, weight, sides)
    })
  }

  private compute(tensor: LazyTensor, name: string, { golden, dump }: Sides): LocalError | undefined {
    const [width, from] = [golden.outputs[0]!.length, golden.inputs[0]?.length]
    const isOther = dump.outputs[0]!.length !== width || dump.inputs[0]?.length !== from
    if (isOther || from === undefined || tensor.shape[0] !== width) return undefined
    const bias = this.biasOf(name, width)
    if (tensor.shape.length === 1) {
      return from === width
        ? best(norms(elements(tensor, 0, width), bias, `${name}.weight`), { golden, dump })
        : undefined
    }
    if (tensor.shape.length !== 2 || tensor.shape[1] !== from) return undefined
    const count = Math.min(GOLDEN_POSITIONS, golden.inputs.length)
    const inputs = [...golden.inputs.slice(0, count), ...dump.inputs]
    const outputs = [...golden.outputs.slice(0, count), ...dump.outputs]
    const errors = productErrors(tensor, bias, inputs, outputs)
    const formula = `its input times ${name}.weight${bias ? `, plus ${name}.bias` : ''}`
    return { formula, golden: median(errors.slice(0, count)), dump: median(errors.slice(count)) }
  }

  private biasOf(name: string, width: number): Float32Array | undefined {
    if (!this.checkpoint!.has(`${name}.bias`)) return undefined
    return this.checkpoint!.read(`${name}.bias`, (bias) => {
      return bias.length === width && isFloat(bias.dtype) ? elements(bias, 0, width) : undefined
    })
  }
}

interface Sides {
  readonly golden: LayerRows
  readonly dump: LayerRows
}

/** Ranks hold parts of a layer, and a fused module several. */
export function isSingle({ ranks = [], parts, inputs, outputs }: Layer): boolean {
  return ranks.length < 2 && parts === undefined && inputs.length > 0 && outputs.length > 0
}

function fitted({ inputs, outputs }: LayerRows): Formula[] {
  const isNorm = inputs.length >= FITTED_POSITIONS && inputs[0]!.length === outputs[0]!.length
  return isNorm ? fittedNorms(inputs, outputs) : []
}

/** By the formula that suits the golden best. */
function best(formulas: readonly Formula[], { golden, dump }: Sides): LocalError | undefined {
  const widths = [golden.inputs, golden.outputs, dump.inputs, dump.outputs].map((rows) => rows[0]?.length)
  if (widths.some((width) => width !== widths[0])) return undefined
  let found: { formula: Formula; error: number } | undefined
  for (const formula of formulas) {
    const error = median(errorsOf(formula, golden))
    if (!found || error < found.error) found = { formula, error }
  }
  if (!found) return undefined
  return { formula: found.formula.text, golden: found.error, dump: median(errorsOf(found.formula, dump)) }
}

function errorsOf({ apply }: Formula, { inputs, outputs }: LayerRows): number[] {
  return inputs.map((input, i) => errorOf(outputs[i]!, apply(input)))
}

/** ‖output − made‖ / ‖made‖ */
export function errorOf(output: ArrayLike<number>, made: ArrayLike<number>): number {
  let [distance, size] = [0, 0]
  for (let i = 0; i < made.length; i++) {
    distance += (output[i]! - made[i]!) ** 2
    size += made[i]! ** 2
  }
  return distance === 0 ? 0 : Math.sqrt(distance / size)
}

/** The largest error of all positions. */
function lookUp(table: LazyTensor, sides: Sides): LocalError | undefined {
  const [rows = 0, width] = table.shape
  const largest = ({ ids, outputs }: LayerRows): number | undefined => {
    const isOther = table.shape.length !== 2 || ids.length === 0 || outputs[0]!.length !== width
    if (isOther || ids.some((id) => !(id >= 0 && id < rows))) return undefined
    return Math.max(...ids.map((id, i) => errorOf(outputs[i]!, elements(table, id * width!, width!))))
  }
  return localError('the rows of its token ids in the checkpoint', largest(sides.golden), largest(sides.dump))
}

/** undefined unless both sides could be computed. */
export function localError(
  formula: string,
  golden: number | undefined,
  dump: number | undefined,
): LocalError | undefined {
  return golden === undefined || dump === undefined ? undefined : { formula, golden, dump }
}
