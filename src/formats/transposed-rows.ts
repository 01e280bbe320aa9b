import type { StorageBytes } from './format.js'
import type { TensorValue } from './pickle/values.js'

/** Rows of a transposed tensor are read in blocks of at most this many bytes. */
const BLOCK = 64 * 2 ** 20

/** Bytes that are read at a time if a block has most rows of the tensor. */
const SPAN = 2 ** 20

/** Elements nearer to each other than this many bytes are read with all between them. */
const FAR = 4096

/** Columns that are written together: a cache line of float32. */
const COLUMNS = 16

/** The rows of a tensor, in storage elements; `item` bytes each. */
interface Form {
  readonly rows: number
  readonly width: number
  /** From one column to the next. */
  readonly stride: number
  readonly offset: number
  readonly item: number
}

/**
 * Rows of a tensor whose first axis varies fastest in the storage: an array in Fortran order, or a transposed view. The numbers of
 * one row are spread over all of it. So rows that are read one after the other are read in blocks, column by column: all rows
 * together cost about one pass over the storage for each thread.
 */
export class TransposedRows {
  private readonly form: Form
  private block: { readonly first: number; readonly end: number; readonly bytes: Uint8Array } | undefined
  /** Memory of the blocks, one after the other. */
  private memory = new Uint8Array()
  /** The row that was read last. */
  private last = Number.POSITIVE_INFINITY

  /** @returns undefined for a tensor of another form */
  static of({ shape, strides, offset }: TensorValue, item: number): TransposedRows | undefined {
    const axes = shape.map((_, axis) => axis).filter((axis) => shape[axis] !== 1)
    const [rows, columns] = axes as [number, number]
    if (axes.length !== 2 || strides[rows] !== 1 || strides[columns]! < shape[rows]!) return undefined
    return new TransposedRows({ rows: shape[rows]!, width: shape[columns]!, stride: strides[columns]!, offset, item })
  }

  private constructor(form: Form) {
    this.form = form
  }

  /**
   * Reads whole rows, if they are several or follow the row that was read before. A row alone costs less without a block.
   * @param start the first element, in the order of rows
   * @returns false if nothing was read
   */
  read(bytes: StorageBytes, start: number, count: number, into: Uint8Array): boolean {
    const { rows, width, stride, item } = this.form
    if (start % width !== 0 || count % width !== 0) return false
    const [first, end] = [start / width, (start + count) / width]
    // The first row of a narrow tensor costs a pass by itself.
    const isSeries = end - first > 1 || first > this.last || (first === 0 && stride * item <= FAR)
    this.last = end - 1
    if (!isSeries) return false
    for (let row = first; row < end; row++) {
      const block = this.blockWith(bytes, row)
      const from = (row - block.first) * width * item
      into.set(block.bytes.subarray(from, from + width * item), (row - first) * width * item)
      if (row === rows - 1) {
        this.block = undefined
        this.memory = new Uint8Array()
      }
    }
    return true
  }

  private blockWith(bytes: StorageBytes, row: number) {
    const { block } = this
    const { rows, width, item } = this.form
    if (block && row >= block.first && row < block.end) return block
    const count = Math.min(rows - row, Math.max(1, Math.floor(BLOCK / (width * item))))
    const size = count * width * item
    if (this.memory.length < size) this.memory = new Uint8Array(size)
    const memory = this.memory.subarray(0, size)
    this.block = { first: row, end: row + count, bytes: memory }
    this.fill(bytes, row, count, memory)
    return this.block
  }

  private fill(bytes: StorageBytes, row: number, count: number, into: Uint8Array): void {
    const { rows, width, stride, offset, item } = this.form
    // If the block has most rows, reading past the others costs less than a call for each column.
    const isWhole = 4 * count >= 3 * rows && stride < 2 * rows
    const columns = isWhole ? Math.max(1, Math.floor(SPAN / (stride * item))) : COLUMNS
    const apart = isWhole ? stride : count
    const span = new Uint8Array(((columns - 1) * apart + count) * item)
    for (let column = 0; column < width; column += columns) {
      const taken = Math.min(columns, width - column)
      const first = offset + row + column * stride
      if (isWhole) bytes.read(first * item, span.subarray(0, ((taken - 1) * apart + count) * item))
      else {
        for (let i = 0; i < taken; i++) {
          bytes.read((first + i * stride) * item, span.subarray(i * count * item, (i + 1) * count * item))
        }
      }
      scatter(elements(span, item), apart, elements(into, item), column, width, count, taken)
    }
  }
}

type Elements = Uint8Array | Uint16Array | Uint32Array | BigUint64Array

/** Whole elements, whose values do not matter. */
function elements({ buffer, length }: Uint8Array, item: number): Elements {
  if (item === 1) return new Uint8Array(buffer, 0, length)
  if (item === 2) return new Uint16Array(buffer, 0, length / 2)
  return item === 4 ? new Uint32Array(buffer, 0, length / 4) : new BigUint64Array(buffer, 0, length / 8)
}

/** Writes some columns, a few at a time, so that neighbours in a row are written together. */
function scatter(
  from: Elements,
  apart: number,
  into: Elements,
  column: number,
  width: number,
  rows: number,
  columns: number,
): void {
  for (let some = 0; some < columns; some += COLUMNS) {
    const end = Math.min(columns, some + COLUMNS)
    for (let row = 0; row < rows; row++) {
      const at = row * width + column
      for (let i = some; i < end; i++) into[at + i] = from[i * apart + row]!
    }
  }
}
