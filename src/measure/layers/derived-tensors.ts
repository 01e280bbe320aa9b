import { itemSize } from '../../tensor/dtype.js'
import type { LazyTensor } from '../../tensor/tensor.js'
import { widened } from '../../tensor/widen.js'

/** The columns `[from, from + count)` of a tensor's last axis. */
export interface Columns {
  readonly tensor: LazyTensor
  readonly from: number
  readonly count: number
}

/** The last axis of a tensor; 1 for a single number. */
export function widthOf({ shape }: LazyTensor): number {
  return shape.at(-1) ?? 1
}

/** Vectors along the last axis. */
export function rowsOf(tensor: LazyTensor): number {
  const width = widthOf(tensor)
  return width === 0 ? 0 : tensor.length / width
}

export function shapeText({ shape }: LazyTensor): string {
  return `[${shape.join(', ')}]`
}

/** Elements of a tensor, rounded once to float32. */
export function elements(tensor: LazyTensor, start: number, count: number): Float32Array<ArrayBuffer> {
  const bytes = new Uint8Array(count * itemSize(tensor.dtype))
  tensor.readRaw(start, count, bytes)
  return widened(bytes, tensor.dtype, count)
}

export function allColumns(tensor: LazyTensor): Columns {
  return { tensor, from: 0, count: widthOf(tensor) }
}

/** The tensor whose last axis is made of columns of others, which have one dtype and the same other axes. */
export function columnTensor(columns: readonly Columns[]): LazyTensor {
  const first = columns[0]!.tensor
  if (columns.length === 1 && columns[0]!.count === widthOf(first)) return first
  const width = columns.reduce((sum, { count }) => sum + count, 0)
  const rows = rowsOf(first)
  const tensors = [...new Set(columns.map(({ tensor }) => tensor))]
  const size = itemSize(first.dtype)

  const rowBytes = (from: number, count: number): Uint8Array => {
    const bytes = new Uint8Array(count * width * size)
    for (const tensor of tensors) {
      const own = widthOf(tensor)
      const source = new Uint8Array(count * own * size)
      tensor.readRaw(from * own, count * own, source)
      let start = 0
      for (const { tensor: of, from: column, count: columnCount } of columns) {
        if (of === tensor) {
          for (let row = 0; row < count; row++) {
            const at = (row * own + column) * size
            bytes.set(source.subarray(at, at + columnCount * size), (row * width + start) * size)
          }
        }
        start += columnCount
      }
    }
    return bytes
  }
  return derived(first, width, rows, first.dtype, (start, count, into) => {
    const row = Math.floor(start / width)
    const bytes = rowBytes(row, Math.ceil((start + count) / width) - row)
    const skipped = (start - row * width) * size
    into.set(bytes.subarray(skipped, skipped + count * size))
  })
}

/** The sum of tensors of one shape, in float32: added up in float64, rounded once. */
export function sumTensor(tensors: readonly LazyTensor[]): LazyTensor {
  const [first] = tensors as [LazyTensor]
  return derived(first, widthOf(first), rowsOf(first), 'float32', (start, count, into) => {
    const sum = new Float64Array(count)
    for (const tensor of tensors) {
      const values = elements(tensor, start, count)
      for (let i = 0; i < count; i++) sum[i]! += values[i]!
    }
    into.set(new Uint8Array(Float32Array.from(sum).buffer))
  })
}

/** A tensor of three axes with the first two swapped. */
export function swappedTensor(tensor: LazyTensor): LazyTensor {
  const [a, b, width] = tensor.shape as [number, number, number]
  const size = itemSize(tensor.dtype)
  const swapped = derived(tensor, width, a * b, tensor.dtype, (start, count, into) => {
    const end = start + count
    for (let at = start; at < end; ) {
      const row = Math.floor(at / width)
      const column = at - row * width
      const part = Math.min(width - column, end - at)
      const bytes = new Uint8Array(part * size)
      tensor.readRaw(((row % a) * b + Math.floor(row / a)) * width + column, part, bytes)
      into.set(bytes, (at - start) * size)
      at += part
    }
  })
  return { ...swapped, shape: [b, a, width] }
}

function derived(
  { name, shape }: LazyTensor,
  width: number,
  rows: number,
  dtype: LazyTensor['dtype'],
  readRaw: LazyTensor['readRaw'],
): LazyTensor {
  const tensor: LazyTensor = {
    name,
    dtype,
    shape: [...shape.slice(0, -1), width],
    length: rows * width,
    readRaw,
    toFloat32: () => elements(tensor, 0, tensor.length),
  }
  return tensor
}
