import type { LazyTensor } from '../../../tensor/tensor.js'
import { elements } from '../derived-tensors.js'

/** Elements of a weight in memory. */
const CHUNK = 1 << 19

/**
 * ‖y − Wx − b‖ / ‖Wx + b‖ of pairs of vectors, in float64. The weight is read once, some rows at a time.
 * @param weight [outputs, inputs]
 */
export function productErrors(
  weight: LazyTensor,
  bias: Float32Array | undefined,
  inputs: readonly Float32Array[],
  outputs: readonly Float32Array[],
): number[] {
  const [rows, width] = weight.shape as [number, number]
  const distances = new Float64Array(inputs.length)
  const sizes = new Float64Array(inputs.length)
  const most = Math.max(1, Math.floor(CHUNK / width))
  for (let first = 0; first < rows; first += most) {
    const count = Math.min(most, rows - first)
    const values = elements(weight, first * width, count * width)
    for (let row = 0; row < count; row++) {
      const factors = values.subarray(row * width, (row + 1) * width)
      const added = bias ? bias[first + row]! : 0
      for (let i = 0; i < inputs.length; i++) {
        const made = dot(factors, inputs[i]!) + added
        distances[i]! += (outputs[i]![first + row]! - made) ** 2
        sizes[i]! += made * made
      }
    }
  }
  return inputs.map((_, i) => (distances[i] === 0 ? 0 : Math.sqrt(distances[i]! / sizes[i]!)))
}

/** Four sums at a time: the additions of one sum wait for each other. */
function dot(a: Float32Array, b: Float32Array): number {
  let [s, t, u, v] = [0, 0, 0, 0]
  const end = a.length & ~3
  let i = 0
  for (; i < end; i += 4) {
    s += a[i]! * b[i]!
    t += a[i + 1]! * b[i + 1]!
    u += a[i + 2]! * b[i + 2]!
    v += a[i + 3]! * b[i + 3]!
  }
  for (; i < a.length; i++) s += a[i]! * b[i]!
  return s + t + u + v
}
