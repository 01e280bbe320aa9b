import { crc32 } from 'node:zlib'
import { median as medianOf } from '../../metrics/median.js'
import { type Dtype, itemSize } from '../../tensor/dtype.js'
import type { LazyTensor } from '../../tensor/tensor.js'
import { widened } from '../../tensor/widen.js'
import { rowsOf, shapeText, swappedTensor, widthOf } from './derived-tensors.js'

/** Elements that are read at a time. */
const CHUNK = 1 << 18

export function isFloat(dtype: Dtype): boolean {
  return dtype.includes('float')
}

/** What was measured of a pair of tensors, g = golden and m = dump. A position is one vector along the last axis. */
export interface TensorPair {
  readonly dtypes: readonly [golden: Dtype, dump: Dtype]
  /** The coarsest dtypes that hold every value: bfloat16 for a float32 tensor whose values bfloat16 holds. */
  readonly precisions: readonly [golden: Dtype, dump: Dtype]
  readonly shapes: readonly [golden: readonly number[], dump: readonly number[]]
  /** True if both hold floating-point numbers. */
  readonly isFloat: boolean
  /** Number of positions that both hold. */
  readonly positions: number
  /** Positions that only one side holds, before the positions of the other: they were left out. */
  readonly leftOut: number
  /** True if the dump holds the sequence before the batch: its positions were compared in the golden's order. */
  readonly isSwapped: boolean
  /** Positions of one sequence: the first of each is the first token of a text. */
  readonly sequence: number
  /** ‖m − g‖ / ‖g‖ of each position; 0 if both are zero, Infinity if only the golden is. */
  readonly errors: Float64Array
  /** Medians over the positions. */
  readonly relativeEuclideanDistance: number
  /** ‖m‖ / ‖g‖ */
  readonly normRatio: number
  /** Never decides: it hides a change of scale. */
  readonly cosineSimilarity: number
  /** Over every element. */
  readonly maxAbsoluteError: number
  readonly meanAbsoluteError: number
  /** Elements, and how many of them differ in their value. */
  readonly elements: number
  readonly differing: number
  /** Elements that are NaN or infinite on one side and not the same on the other. */
  readonly nonFinite: { readonly golden: number; readonly dump: number }
  /** Of the raw bytes: equal checksums of neighbouring layers mean that a captured graph wrote one tensor several times. */
  readonly checksums: readonly [golden: number, dump: number]
  /** Statistics of all elements that were compared. */
  readonly stats: readonly [golden: Stats, dump: Stats]
}

export interface Stats {
  readonly max: number
  readonly min: number
  readonly mean: number
}

/** Two tensors that cannot be compared. */
export interface NoPair {
  readonly reason: string
}

/**
 * Measures a pair of tensors, a part at a time. Leading axes of length 1, a batch that one side has flattened, and a sequence
 * that one side puts before the batch make no difference. If one side holds more positions of a single sequence, the last ones are compared.
 */
export function measureTensors(golden: LazyTensor, dump: LazyTensor): TensorPair | NoPair {
  const [left, right] = [positionsOf(golden), positionsOf(dump)]
  const shapes = `golden ${shapeText(golden)}, dump ${shapeText(dump)}`
  const isOtherBatch = left.count !== right.count && (left.batch > 1 || right.batch > 1)
  if (left.width !== right.width || left.width === 0 || isOtherBatch) return { reason: `other shapes: ${shapes}` }
  if (isTransposed(golden.shape, dump.shape)) {
    const pair = measure(golden, swappedTensor(dump), left.count, left.width, left.sequence)
    return { ...pair, isSwapped: true, shapes: [golden.shape, dump.shape] }
  }
  const positions = Math.min(left.count, right.count)
  if (positions === 0) return { reason: `no positions: ${shapes}` }
  return measure(golden, dump, positions, left.width, Math.min(left.sequence, right.sequence))
}

function isTransposed(a: readonly number[], b: readonly number[]): boolean {
  return a.length === 3 && b.length === 3 && a[0] === b[1] && a[1] === b[0] && a[0] !== a[1] && a[0] !== 1 && a[1] !== 1
}

function positionsOf(tensor: LazyTensor) {
  const count = rowsOf(tensor)
  const sequence = tensor.shape.at(-2) ?? 1
  return { count, width: widthOf(tensor), batch: sequence === 0 ? 0 : count / sequence, sequence }
}

function measure(golden: LazyTensor, dump: LazyTensor, positions: number, width: number, sequence: number): TensorPair {
  const [g, m] = [new Part(golden, positions, width), new Part(dump, positions, width)]
  const errors = new Float64Array(positions)
  const ratios = new Float64Array(positions)
  const cosines = new Float64Array(positions)
  const nonFinite = { golden: 0, dump: 0 }
  let [maxError, sumError, differing] = [0, 0, 0]
  for (let position = 0; position < positions; position++) {
    let [gg, mm, gm, dd] = [0, 0, 0, 0]
    for (let start = 0; start < width; start += CHUNK) {
      const count = Math.min(CHUNK, width - start)
      const a = g.read(position * width + start, count)
      const b = m.read(position * width + start, count)
      for (let i = 0; i < count; i++) {
        const [x, y] = [a[i]!, b[i]!]
        // Masks hold the same infinities on both sides.
        if (Object.is(x, y) && !Number.isFinite(x)) continue
        if (!Number.isFinite(x)) nonFinite.golden++
        if (!Number.isFinite(y)) nonFinite.dump++
        const d = y - x
        if (d !== 0) differing++
        gg += x * x
        mm += y * y
        gm += x * y
        dd += d * d
        const size = Math.abs(d)
        sumError += size
        if (size > maxError || Number.isNaN(size)) maxError = size
      }
    }
    errors[position] = dd === 0 ? 0 : Math.sqrt(dd) / Math.sqrt(gg)
    ratios[position] = gg === 0 && mm === 0 ? 1 : Math.sqrt(mm / gg)
    cosines[position] = dd === 0 ? 1 : gg === 0 || mm === 0 ? 0 : gm / Math.sqrt(gg * mm)
  }
  return {
    dtypes: [golden.dtype, dump.dtype],
    precisions: [g.precision(), m.precision()],
    shapes: [golden.shape, dump.shape],
    isFloat: isFloat(golden.dtype) && isFloat(dump.dtype),
    positions,
    isSwapped: false,
    leftOut: Math.max(golden.length, dump.length) / width - positions,
    sequence,
    errors,
    relativeEuclideanDistance: median(errors),
    normRatio: median(ratios),
    cosineSimilarity: median(cosines),
    maxAbsoluteError: maxError,
    meanAbsoluteError: sumError / (positions * width),
    elements: positions * width,
    differing,
    nonFinite,
    checksums: [g.checksum, m.checksum],
    stats: [g.stats(), m.stats()],
  }
}

/** The middle value, or the mean of the two in the middle; NaN of none, or if one is NaN. */
export function median(values: ArrayLike<number>): number {
  const numbers = Float64Array.from(values)
  return numbers.length === 0 || numbers.some(Number.isNaN) ? Number.NaN : medianOf(numbers, numbers.length)
}

/** Reads the last positions of a tensor in order, each element once, and sums them up. */
class Part {
  checksum = 0
  private readonly tensor: LazyTensor
  private readonly first: number
  private max = Number.NEGATIVE_INFINITY
  private min = Number.POSITIVE_INFINITY
  private sum = 0
  /** Every bit that is set in a value as float32. */
  private bits = 0
  private readonly count: number
  /** Elements to read at a time: complete positions, or a part of one. */
  private readonly chunk: number
  /** The elements that are in memory. */
  private values = new Float32Array(0)
  private start = 0

  constructor(tensor: LazyTensor, positions: number, width: number) {
    this.tensor = tensor
    this.count = positions * width
    this.first = tensor.length - this.count
    this.chunk = width > CHUNK ? 0 : Math.floor(CHUNK / width) * width
  }

  /** @param start behind the elements that were read before */
  read(start: number, count: number): Float32Array {
    if (start >= this.start + this.values.length) this.fill(start, Math.min(this.chunk || count, this.count - start))
    return this.values.subarray(start - this.start, start - this.start + count)
  }

  private fill(start: number, count: number): void {
    const bytes = new Uint8Array(count * itemSize(this.tensor.dtype))
    this.tensor.readRaw(this.first + start, count, bytes)
    this.checksum = crc32(bytes, this.checksum)
    this.values = widened(bytes, this.tensor.dtype, count)
    this.start = start
    // Fields of an object in a loop over elements would take twice as long.
    const { values } = this
    const words = new Uint32Array(values.buffer, values.byteOffset, count)
    let { bits, max, min, sum } = this
    for (let i = 0; i < count; i++) {
      const value = values[i]!
      bits |= words[i]!
      if (value > max) max = value
      if (value < min) min = value
      sum += value
    }
    ;[this.bits, this.max, this.min, this.sum] = [bits, max, min, sum]
  }

  precision(): Dtype {
    if (this.tensor.dtype !== 'float32') return this.tensor.dtype
    // bfloat16 is the upper half of float32; float16 has 13 bits of fraction less.
    return (this.bits & 0xffff) === 0 ? 'bfloat16' : (this.bits & 0x1fff) === 0 ? 'float16' : 'float32'
  }

  stats(): Stats {
    return { max: this.max, min: this.min, mean: this.sum / this.count }
  }
}
