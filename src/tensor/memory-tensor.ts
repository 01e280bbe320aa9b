import { GoldenLogitsError } from '../errors.js'
import { type Dtype, itemSize } from './dtype.js'
import type { LazyTensor } from './tensor.js'
import { widen } from './widen.js'

/** A tensor in the caller's memory: `bytes` is a view of it, never a copy. */
export interface MemoryTensor extends LazyTensor {
  readonly bytes: Uint8Array
}

/** @param bytes the raw little-endian elements, as many as `shape` has */
export function memoryTensor(bytes: Uint8Array, dtype: Dtype, shape: readonly number[]): MemoryTensor {
  const size = itemSize(dtype)
  const length = shape.reduce((product, axis) => product * axis, 1)
  const assertThere = () => {
    // The view of a buffer that was transferred or shrunk has no bytes any more.
    if (bytes.length === length * size) return
    const message =
      'the logits are no longer in memory: their buffer was transferred, resized or freed; compare before that, or copy each row (row.slice())'
    throw new GoldenLogitsError('no-data', message)
  }
  return {
    name: '',
    dtype,
    shape,
    length,
    bytes,
    readRaw(start, count, into) {
      assertThere()
      into.set(bytes.subarray(start * size, (start + count) * size))
    },
    toFloat32() {
      assertThere()
      const values = new Float32Array(length)
      widen(bytes, dtype, values)
      return values
    },
  }
}

/** True if both tensors are views of the same memory. */
export function isSameMemory(a: MemoryTensor | undefined, b: MemoryTensor | undefined): boolean {
  return (
    a !== undefined && b !== undefined && a.bytes.buffer === b.bytes.buffer && a.bytes.byteOffset === b.bytes.byteOffset
  )
}

/** A typed array: its class, and a view of its memory. */
export interface TypedArray {
  /** `Float32Array` and so on, also for an array of another realm, as in Jest and jsdom. */
  readonly type: string
  readonly count: number
  readonly bytes: Uint8Array
}

const typeOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)!.get!

/**
 * A typed array of any realm, or the `Float16Array` of the package @petamoriken/float16, which is a proxy that no
 * `ArrayBuffer.isView` recognises.
 * @returns undefined for any other value
 */
export function typedArray(value: unknown): TypedArray | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const type: unknown = typeOf.call(value) ?? (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag]
  const { buffer, byteOffset, byteLength, length } = value as Uint16Array
  const isView = ArrayBuffer.isView(value) || (type === 'Float16Array' && byteLength === 2 * length)
  if (!isView || typeof type !== 'string' || type === 'DataView') return undefined
  return { type, count: length, bytes: new Uint8Array(buffer, byteOffset, byteLength) }
}
