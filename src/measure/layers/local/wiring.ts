import type { Layer } from '../../../dumps/layers/index.js'
import { GoldenLogitsError } from '../../../errors.js'
import type { TensorReader } from '../../../formats/tensor-reader.js'
import { median } from '../measure-tensors.js'
import { isSingle, type LocalError, MOST_POSITIONS } from './measure-local.js'
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
  const sides = [golden, dump] as const
  if (!sides.every(isReadable)) return undefined
  const errors = sides.map((wiring, side) => errorOf(wiring, readers[side]!))
  if (errors[0] === undefined || errors[1] === undefined) return undefined
  const [first, second] = [golden.first, golden.second].map(({ name }) => name.slice(golden.layer.name.length + 1))
  const formula = golden.last
    ? `${first} times ${second}, through its last module`
    : `its input plus ${first} plus ${second}`
  return { formula, golden: errors[0], dump: errors[1] }
}

function isReadable({ layer, first, second, last }: Wiring): boolean {
  return [layer, first, second, last].every((part) => part === undefined || isSingle(part))
}

function errorOf({ layer, first, second, last }: Wiring, reader: TensorReader): number | undefined {
  try {
    const [whole, a, b, end] = [layer, first, second, last ?? layer].map((part) => {
      return readLayerRows(part, reader, MOST_POSITIONS)
    })
    const pairs = last
      ? [
          distances(end!.inputs, [a!.outputs, b!.outputs], (x, y) => x! * y!),
          distances(whole!.outputs, [end!.outputs], (x) => x!),
        ]
      : [distances(whole!.outputs, [whole!.inputs, a!.outputs, b!.outputs], (x, y, z) => x! + y! + z!)]
    return pairs.includes(undefined) ? undefined : Math.max(...pairs.map((values) => median(values!)))
  } catch (error) {
    // The measuring of the layers has reported it.
    if (error instanceof GoldenLogitsError) return undefined
    throw error
  }
}

type Rows = readonly Float32Array[]

/** By the largest of the vectors that are put together: that is what rounding is relative to. */
function distances(
  targets: Rows,
  parts: readonly Rows[],
  make: (...values: readonly (number | undefined)[]) => number,
): number[] | undefined {
  const width = targets[0]?.length
  const isOther = (rows: Rows) => rows.length !== targets.length || rows.some((row) => row.length !== width)
  if (width === undefined || parts.some(isOther)) return undefined
  return targets.map((target, position) => {
    const rows = parts.map((part) => part[position]!)
    const made = target.map((_, i) => make(...rows.map((row) => row[i])))
    const sizes = [made, ...(rows.length > 2 ? rows : [])].map(norm)
    const distance = norm(target.map((value, i) => value - made[i]!))
    return distance === 0 ? 0 : distance / Math.max(...sizes)
  })
}

function norm(vector: Float32Array): number {
  return Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0))
}
