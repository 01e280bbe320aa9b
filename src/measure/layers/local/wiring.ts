import type { Layer } from '../../../dumps/layers/index.js'
import type { TensorReader } from '../../../formats/tensor-reader.js'
import { median } from '../measure-tensors.js'
import { isSingle, type LocalError, localError, MOST_POSITIONS } from './measure-local.js'
import { readLayerRows } from './rows.js'

/**
 * A module that puts together what modules inside it make: a decoder layer, which adds attention and MLP to its input, or an MLP,
 * whose `last` reads the product of `first` and `second`.
 */
export interface Wiring {
  readonly layer: Layer
  readonly first: Layer
  readonly second: Layer
  readonly last?: Layer | undefined
}

/** How far each side is from what its own tensors make; undefined if they are not at hand. */
export function measureWiring(
  golden: Wiring,
  dump: Wiring,
  readers: readonly [golden: TensorReader, dump: TensorReader],
): LocalError | undefined {
  if (![golden, dump].every(isReadable)) return undefined
  const [first, second] = [golden.first, golden.second].map(({ name }) => name.slice(golden.layer.name.length + 1))
  const formula = golden.last
    ? `${first} times ${second}, through its last module`
    : `its input plus ${first} plus ${second}`
  return localError(formula, sideError(golden, readers[0]), sideError(dump, readers[1]))
}

function isReadable({ layer, first, second, last }: Wiring): boolean {
  return [layer, first, second, last].every((part) => part === undefined || isSingle(part))
}

function sideError({ layer, first, second, last }: Wiring, reader: TensorReader): number | undefined {
  const read = [layer, first, second, last ?? layer].map((part) => readLayerRows(part, reader, MOST_POSITIONS))
  const [whole, a, b, end] = read
  if (!whole || !a || !b || !end) return undefined
  if (!last) return distance(whole.outputs, [whole.inputs, a.outputs, b.outputs], (x, y) => x + y)
  const product = distance(end.inputs, [a.outputs, b.outputs], (x, y) => x * y)
  const passed = distance(whole.outputs, [end.outputs], (x) => x)
  return product === undefined || passed === undefined ? undefined : Math.max(product, passed)
}

type Rows = readonly Float32Array[]

/**
 * The median over the positions of the distance between a vector and what `put` makes of some others, element by element. It is
 * relative to the largest of the vectors that are added up: that is what rounding is relative to.
 */
function distance(
  targets: Rows,
  parts: readonly Rows[],
  put: (made: number, next: number) => number,
): number | undefined {
  const width = targets[0]?.length
  const isOther = (rows: Rows) => rows.length !== targets.length || rows.some((row) => row.length !== width)
  if (width === undefined || parts.some(isOther)) return undefined
  const distances = targets.map((target, position) => {
    const rows = parts.map((part) => part[position]!)
    const made = Float32Array.from(putTogether(rows, put))
    const sizes = [made, ...(rows.length > 2 ? rows : [])].map(norm)
    const far = norm(target.map((value, i) => value - made[i]!))
    return far === 0 ? 0 : far / Math.max(...sizes)
  })
  return median(distances)
}

function putTogether([first, ...others]: Rows, put: (made: number, next: number) => number): Float64Array {
  const made = new Float64Array(first!)
  for (const row of others) for (let i = 0; i < made.length; i++) made[i] = put(made[i]!, row[i]!)
  return made
}

function norm(vector: Float32Array): number {
  return Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0))
}
