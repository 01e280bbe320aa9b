import type { Layer } from '../../../dumps/layers/index.js'
import type { TensorReader } from '../../../formats/tensor-reader.js'
import type { LazyTensor } from '../../../tensor/tensor.js'
import { elements, rowsOf, widthOf } from '../derived-tensors.js'
import { isFloat, median } from '../measure-tensors.js'
import { errorOf, isSingle, type LocalError, localError, MOST_POSITIONS } from './measure-local.js'
import { someRows, withTensors } from './rows.js'

/** An attention and what it reads: queries, keys and values, and the projection that reads its result. */
export interface Attention {
  readonly layer: Layer
  readonly query: Layer
  readonly key: Layer
  readonly value: Layer
  readonly output: Layer
}

/** Elements of a tensor, all of which are in memory. */
const MOST_ELEMENTS = 1 << 24
const MOST_HEAD_WIDTH = 512

/**
 * How far the result of causal attention with rotary embeddings is from what its own queries, keys and values make. All keys must
 * come from this pass, as in a prefill; the golden shows whether they do.
 */
export function measureAttention(
  golden: Attention,
  dump: Attention,
  readers: readonly [golden: TensorReader, dump: TensorReader],
): LocalError | undefined {
  if (![golden, dump].every((side) => Object.values(side).every(isSingle))) return undefined
  const formula = 'causal attention over the queries, keys and values of this pass'
  const error = localError(formula, sideError(golden, readers[0]), sideError(dump, readers[1]))
  return error && { ...error, isAttention: true }
}

function sideError({ layer, query, key, value, output }: Attention, reader: TensorReader): number | undefined {
  const made = [query, key, value].map(({ outputs }) => outputs[0]!)
  return withTensors([...made, output.inputs[0]!, ...layer.inputs], reader, ([q, k, v, target, ...inputs]) =>
    attentionError(q!, k!, v!, target!, inputs),
  )
}

function attentionError(
  q: LazyTensor,
  k: LazyTensor,
  v: LazyTensor,
  target: LazyTensor,
  inputs: readonly LazyTensor[],
): number | undefined {
  const count = rowsOf(target)
  const tensors = [q, k, v, target]
  if (tensors.some(({ dtype, length }) => !isFloat(dtype) || length > MOST_ELEMENTS || length % count !== 0)) {
    return undefined
  }
  const [angles] = inputs.flatMap((cos, i) => anglesIn(cos, inputs[i + 1], count))
  if (!angles) return undefined
  const { width } = angles
  const heads = tensors.map(({ length }) => length / count / width)
  const [queries, keys, values, results] = heads as [number, number, number, number]
  const isOdd = heads.some((number) => !Number.isInteger(number) || number === 0)
  if (isOdd || keys !== values || queries !== results || queries % keys !== 0) return undefined
  const turned = (tensor: LazyTensor) => rotated(elements(tensor, 0, tensor.length), angles)
  const [a, b, c] = [turned(q), turned(k), elements(v, 0, v.length)]
  const errors = someRows(target, MOST_POSITIONS).map((row) => {
    const made = new Float64Array(queries * width)
    for (let head = 0; head < queries; head++) {
      const from = a.subarray((row * queries + head) * width, (row * queries + head + 1) * width)
      made.set(attended(from, b, c, row, keys, Math.floor((head * keys) / queries)), head * width)
    }
    return errorOf(elements(target, row * queries * width, queries * width), made)
  })
  return median(errors)
}

interface Angles {
  readonly cos: Float32Array
  readonly sin: Float32Array
  readonly width: number
}

/** The cosines and sines of positions, one vector of a head's width for each: two inputs, one after the other. */
function anglesIn(cos: LazyTensor, sin: LazyTensor | undefined, count: number): Angles[] {
  const width = widthOf(cos)
  const isPair = sin && isFloat(cos.dtype) && isFloat(sin.dtype) && widthOf(sin) === width && rowsOf(sin) === count
  if (!isPair || rowsOf(cos) !== count || width > MOST_HEAD_WIDTH || width % 2 !== 0) return []
  const angles = { cos: elements(cos, 0, cos.length), sin: elements(sin, 0, sin.length), width }
  const isOne = angles.cos.every((value, i) => Math.abs(value ** 2 + angles.sin[i]! ** 2 - 1) < 0.02)
  return isOne ? [angles] : []
}

/** Every head of every position, turned in pairs that are half a head apart. */
function rotated(values: Float32Array, { cos, sin, width }: Angles): Float64Array {
  const half = width / 2
  const heads = values.length / cos.length
  const made = new Float64Array(values.length)
  for (let i = 0; i < values.length; i++) {
    const place = i % width
    const angle = Math.floor(i / (heads * width)) * width + place
    const other = place < half ? -values[i + half]! : values[i - half]!
    made[i] = values[i]! * cos[angle]! + other * sin[angle]!
  }
  return made
}

/** What one head of one position reads from the positions up to it. */
function attended(
  query: Float64Array,
  keys: Float64Array,
  values: Float32Array,
  row: number,
  heads: number,
  head: number,
): Float64Array {
  const width = query.length
  const scores = Float64Array.from({ length: row + 1 }, (_, position) => {
    const start = (position * heads + head) * width
    let sum = 0
    for (let i = 0; i < width; i++) sum += query[i]! * keys[start + i]!
    return sum / Math.sqrt(width)
  })
  const most = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  const weights = scores.map((score) => Math.exp(score - most))
  const total = weights.reduce((a, b) => a + b, 0)
  const made = new Float64Array(width)
  weights.forEach((weight, position) => {
    const start = (position * heads + head) * width
    for (let i = 0; i < width; i++) made[i]! += (weight / total) * values[start + i]!
  })
  return made
}
