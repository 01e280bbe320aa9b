import { types } from 'node:util'
import { atCaller, GoldenLogitsError } from '../errors.js'
import { allocate, type Budgets, withinBudget } from '../io/budgets.js'
import { itemSize } from '../tensor/dtype.js'
import type { LazyTensor } from '../tensor/tensor.js'
import { widen } from '../tensor/widen.js'
import type { StorageBytes } from './format.js'
import type { NamedTensor } from './pickle/find-tensors.js'
import type { TensorValue } from './pickle/values.js'
import { TransposedRows } from './transposed-rows.js'

/** Bytes that are read at a time if elements are not contiguous. */
const CHUNK = 1 << 20

/** Elements further apart than this many bytes are read one by one, which costs less than all between them. */
const FAR = 4096

/** A tensor over the bytes of a storage, which is opened for each read. */
export function storageTensor(
  { name, tensor }: NamedTensor,
  open: () => { bytes: StorageBytes; close(): void },
  file: string,
  budgets: Budgets,
): LazyTensor {
  const { shape, strides, storage } = tensor
  // If one size is 0, the product of the others may overflow to Infinity, and 0 · Infinity is NaN.
  const length = shape.includes(0) ? 0 : shape.reduce((product, size) => product * size, 1)
  const item = itemSize(storage.dtype)
  const runs = runsOf(shape, strides)
  const transposed = TransposedRows.of(tensor, item)
  const read = (start: number, count: number, into: Uint8Array) => {
    checkRange(start, count, length, into, item, file)
    withinBudget(budgets, 'elements', count, 'elements decoded of one tensor', { file })
    if (count === 0) return
    const { bytes, close } = open()
    try {
      if (!transposed?.read(bytes, start, count, into)) {
        readElements(bytes, runs, tensor, item, start, into.subarray(0, count * item))
      }
      if (bytes.bigEndian) swapBytes(into.subarray(0, count * item), item)
    } finally {
      close()
    }
  }
  const readRaw = (start: number, count: number, into: Uint8Array) => atCaller(readRaw, () => read(start, count, into))
  const toFloat32 = (): Float32Array =>
    atCaller(toFloat32, () => {
      withinBudget(budgets, 'elements', length, 'elements decoded of one tensor', { file })
      const raw = allocate(length * item, 'elements of the tensor', { file })
      read(0, length, raw)
      const values = new Float32Array(allocate(4 * length, 'elements of the tensor as float32', { file }).buffer)
      widen(raw, storage.dtype, values)
      return values
    })
  return { name, dtype: storage.dtype, shape, length, readRaw, toFloat32 }
}

/** The storage element at which `count` contiguous elements begin; undefined if the elements are not contiguous. */
export function adjacentFrom(tensor: TensorValue, start: number, count: number): number | undefined {
  const { length, stride, outer } = runsOf(tensor.shape, tensor.strides)
  const within = start % length
  if (stride !== 1 || within + count > length) return undefined
  return runStart(Math.floor(start / length), outer, tensor) + within
}

function checkRange(start: number, count: number, length: number, into: Uint8Array, item: number, file: string): void {
  const room = types.isUint8Array(into) ? into.length : Number.NaN
  const areCounts = Number.isInteger(start) && Number.isInteger(count) && start >= 0 && count >= 0
  if (areCounts && start + count <= length && count * item <= room) return
  const areNumbers = typeof start === 'number' && typeof count === 'number' && !Number.isNaN(room)
  const message = areNumbers
    ? `elements ${start} to ${start + count} of ${length} into ${room} bytes: outside the tensor or the buffer`
    : 'readRaw expects the index of the first element, the number of elements, and a Uint8Array for them'
  throw new GoldenLogitsError('invalid-argument', message, { file })
}

/** Logical elements form runs along the last axes. Within a run, neighbours are `stride` storage elements apart. */
interface Runs {
  length: number
  stride: number
  /** The axes before this one enumerate the runs. */
  outer: number
}

function runsOf(shape: readonly number[], strides: readonly number[]): Runs {
  let axis = shape.length - 1
  while (axis >= 0 && shape[axis] === 1) axis--
  if (axis < 0) return { length: 1, stride: 1, outer: 0 }
  const stride = strides[axis]!
  let length = shape[axis]!
  while (axis > 0) {
    const before = axis - 1
    if (shape[before] !== 1 && strides[before] !== length * stride) break
    length *= shape[before]!
    axis = before
  }
  return { length, stride, outer: axis }
}

function readElements(
  bytes: StorageBytes,
  runs: Runs,
  tensor: TensorValue,
  item: number,
  start: number,
  into: Uint8Array,
): void {
  let done = 0
  const count = into.length / item
  while (done < count) {
    const run = Math.floor((start + done) / runs.length)
    const within = (start + done) % runs.length
    const take = Math.min(runs.length - within, count - done)
    const first = runStart(run, runs.outer, tensor) + within * runs.stride
    readRun(bytes, first, runs.stride, item, into.subarray(done * item, (done + take) * item))
    done += take
  }
}

function runStart(run: number, outer: number, { shape, strides, offset }: TensorValue): number {
  let at = offset
  let rest = run
  for (let axis = outer - 1; axis >= 0; axis--) {
    at += (rest % shape[axis]!) * strides[axis]!
    rest = Math.floor(rest / shape[axis]!)
  }
  return at
}

/** Reads elements `stride` apart: in one read if they are contiguous, otherwise in chunks. */
function readRun(bytes: StorageBytes, first: number, stride: number, item: number, into: Uint8Array): void {
  if (stride === 1) {
    bytes.read(first * item, into)
    return
  }
  const count = into.length / item
  if (stride === 0) {
    bytes.read(first * item, into.subarray(0, item))
    for (let filled = item; filled < into.length; filled *= 2) into.copyWithin(filled, 0, filled)
    return
  }
  const perChunk = stride * item > FAR ? 1 : Math.floor(CHUNK / (stride * item))
  const chunk = new Uint8Array(((Math.min(perChunk, count) - 1) * stride + 1) * item)
  for (let done = 0; done < count; done += perChunk) {
    const take = Math.min(perChunk, count - done)
    const span = chunk.subarray(0, ((take - 1) * stride + 1) * item)
    bytes.read((first + done * stride) * item, span)
    for (let i = 0; i < take; i++) {
      const from = i * stride * item
      for (let b = 0; b < item; b++) into[(done + i) * item + b] = span[from + b]!
    }
  }
}

function swapBytes(bytes: Uint8Array, item: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (item === 2) buffer.swap16()
  else if (item === 4) buffer.swap32()
  else if (item === 8) buffer.swap64()
}
