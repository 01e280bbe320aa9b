import type { Dtype } from '../../src/tensor/dtype.js'
import { type Choices, pick, times } from './choices.js'

/** The elements of a storage, as the numbers that every reader must return, and as bytes. */
export interface Elements {
  dtype: CommonDtype
  values: number[]
  bytes: Uint8Array
}

/** The dtypes that every format has. */
export type CommonDtype = Exclude<Dtype, 'uint64' | 'uint32' | 'uint16'>

export const STORAGE_CLASSES: Readonly<Record<CommonDtype, string>> = {
  float64: 'DoubleStorage',
  float32: 'FloatStorage',
  float16: 'HalfStorage',
  bfloat16: 'BFloat16Storage',
  int64: 'LongStorage',
  int32: 'IntStorage',
  int16: 'ShortStorage',
  int8: 'CharStorage',
  uint8: 'ByteStorage',
  bool: 'BoolStorage',
}

/** The number of the dtype in a `.bin` header. */
export const BIN_DTYPES: Readonly<Record<CommonDtype, number>> = {
  float32: 0,
  float16: 1,
  int8: 2,
  int32: 3,
  uint8: 4,
  int16: 6,
  int64: 9,
  float64: 11,
  bool: 12,
  bfloat16: 27,
}

const DTYPES = Object.keys(STORAGE_CLASSES) as CommonDtype[]

/** Up to 40 small numbers of a dtype. */
export function elementsOf(choices: Choices): Elements {
  const dtype = pick(choices, DTYPES)
  const values = times(choices.int(41), () => numberOf(choices, dtype))
  return { dtype, values, bytes: encode(dtype, values) }
}

function numberOf(choices: Choices, dtype: CommonDtype): number {
  if (dtype === 'bool') return choices.int(2)
  if (dtype === 'uint8') return choices.int(256)
  if (dtype.startsWith('int')) return choices.int(255) - 127
  return pick(choices, [0, 1, -2, 0.5, 100, -0.375, 1.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
}

function encode(dtype: CommonDtype, values: readonly number[]): Uint8Array {
  if (dtype === 'float16') return bytesOf(Uint16Array.from(values, half))
  if (dtype === 'bfloat16') return bytesOf(Uint16Array.from(values, (value) => single(value) >>> 16))
  if (dtype === 'int64') return bytesOf(BigInt64Array.from(values, BigInt))
  const Type = {
    float64: Float64Array,
    float32: Float32Array,
    int32: Int32Array,
    int16: Int16Array,
    int8: Int8Array,
    uint8: Uint8Array,
    bool: Uint8Array,
  }[dtype]
  return bytesOf(Type.from(values))
}

function bytesOf({ buffer }: { buffer: ArrayBufferLike }): Uint8Array {
  return new Uint8Array(buffer)
}

function single(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0]!
}

/** The bits of a number that float16 represents exactly, not as a subnormal. */
function half(value: number): number {
  const bits = single(value)
  const exponent = (bits >>> 23) & 0xff
  const sign = (bits >>> 16) & 0x8000
  if (exponent === 0) return sign
  return sign | (exponent === 0xff ? 0x7c00 : ((exponent - 112) << 10) | ((bits >>> 13) & 0x3ff))
}
