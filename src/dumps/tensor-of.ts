import { describeValue, type GoldenLogitsError, invalidArgument, printable } from '../errors.js'
import type { Dtype } from '../tensor/dtype.js'
import { type MemoryTensor, memoryTensor, type TypedArray, typedArray } from '../tensor/memory-tensor.js'

/** A `Float16Array` of JavaScript, or of the package @petamoriken/float16. */
export interface Float16Logits {
  readonly [Symbol.toStringTag]: 'Float16Array'
  readonly buffer: ArrayBufferLike
  readonly byteOffset: number
  readonly byteLength: number
  readonly length: number
}

/**
 * Logits in a typed array. A `Uint16Array` holds the bits of float16 or bfloat16, an `Int32Array` or `Int8Array` the
 * integer logits of a quantised head: the option `dtype` must say so.
 */
export type LogitsArray = Float32Array | Float64Array | Float16Logits | Uint16Array | Int32Array | Int8Array

/** A tensor as onnxruntime and transformers.js have it. */
export interface LogitsTensor {
  /** One of `LogitsArray`. */
  readonly data: ArrayLike<unknown>
  /** `[vocabulary]`, `[positions, vocabulary]` or `[sequences, positions, vocabulary]`. Left out: one row. */
  readonly dims?: readonly number[]
  /** The element type: `float32`, `float16`, `bfloat16` … */
  readonly type?: string
  /** The same as `type`. */
  readonly dtype?: string
}

/** The dtypes that an array may hold, by its class. Of several, the option `dtype` must name one. */
const DTYPES: Readonly<Record<string, readonly Dtype[]>> = {
  Float64Array: ['float64'],
  Float32Array: ['float32'],
  Float16Array: ['float16'],
  Uint16Array: ['float16', 'bfloat16'],
  Int32Array: ['int32'],
  Int8Array: ['int8'],
}

const DTYPE_NAMES: ReadonlyMap<string, Dtype> = new Map<string, Dtype>([
  ...Object.values(DTYPES).flatMap((dtypes) => dtypes.map((dtype) => [dtype, dtype] as const)),
  ['fp64', 'float64'],
  ['double', 'float64'],
  ['fp32', 'float32'],
  ['float', 'float32'],
  ['fp16', 'float16'],
  ['half', 'float16'],
  ['bf16', 'bfloat16'],
])

/** undefined for a name that is no dtype of logits. */
function dtypeNamed(name: unknown): Dtype | undefined {
  return typeof name === 'string' ? DTYPE_NAMES.get(name.toLowerCase().replace(/^torch\./, '')) : undefined
}

/** What the caller says of every tensor. */
interface TensorOptions {
  readonly dims?: readonly number[]
  readonly dtype?: string
}

/**
 * One row or one tensor of the caller as a view of its memory.
 * @param name of the value, for errors
 * @throws GoldenLogitsError `invalid-argument`
 */
export function tensorOf(value: unknown, name: string, options: TensorOptions): MemoryTensor {
  const bare = typedArray(value)
  if (bare) return build(bare, name, options.dims, options.dtype, options.dtype)
  if (!hasData(value)) throw refused(`${name} is ${describeWrong(value)}`)
  const data = dataOf(value, name)
  const array = typedArray(data)
  if (!array) throw refused(`the data of ${name} is ${describeWrong(data)}`)
  const { dims, shape, type, dtype } = value
  const ownDims = dims ?? shape
  if (ownDims !== undefined && options.dims !== undefined) {
    throw refused(`${name} already has dims; leave out the option dims`)
  }
  const own = dtype ?? type
  const [ownDtype, optionDtype] = [dtypeNamed(own), dtypeNamed(options.dtype)]
  if (ownDtype && optionDtype && ownDtype !== optionDtype) {
    throw refused(`${name} says that it holds ${ownDtype}, but the option dtype says ${optionDtype}`)
  }
  return build(array, name, ownDims ?? options.dims, options.dtype ?? own, options.dtype ?? dtype)
}

interface HasData {
  readonly data: unknown
  readonly dims?: unknown
  readonly shape?: unknown
  readonly type?: unknown
  readonly dtype?: unknown
}

function hasData(value: unknown): value is HasData {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && 'data' in value
}

/** A tensor on a GPU, or one that was disposed of, throws. */
function dataOf(value: HasData, name: string): unknown {
  try {
    return value.data
  } catch (cause) {
    const reason = printable(cause instanceof Error ? cause.message : String(cause), 200)
    throw refused(
      `the data of ${name} cannot be read (${reason}); if it is on a device, await its getData() first`,
      cause,
    )
  }
}

/** What a value is that should have been logits, and what to do. */
function describeWrong(value: unknown): string {
  if (Array.isArray(value)) {
    return 'a list of numbers or lists; make each row a typed array, as by Float32Array.from(row)'
  }
  if (typeof value === 'function') return 'a function; call it, and await what it returns'
  if (typeof value !== 'object' || value === null) return `${describeValue(value)}, not a typed array or a tensor`
  if ('then' in value) return 'a promise; await it'
  if ('logits' in value) return "a model's output; pass its logits (output.logits)"
  if ('steps' in value && 'path' in value) return 'a dump already; use it as it is'
  return 'an object without data, not a typed array or a tensor { data, dims }'
}

/** @param confirmed the dtype that the caller, not the engine, has named */
function build(array: TypedArray, name: string, dims: unknown, named: unknown, confirmed: unknown): MemoryTensor {
  const dtype = dtypeOf(array, name, named, confirmed)
  if (array.count === 0) throw refused(`${name} is empty; was its buffer transferred or freed?`)
  const shape = dims === undefined ? [1, array.count] : shapeOf(dims, name)
  const length = shape.reduce((product, size) => product * size, 1)
  if (length !== array.count) {
    const message = `the dims [${shape.join(', ')}] of ${name} are ${length} elements, but its ${array.type} holds ${array.count}`
    throw refused(message)
  }
  return memoryTensor(array.bytes, dtype, shape)
}

function dtypeOf({ type }: TypedArray, name: string, named: unknown, confirmed: unknown): Dtype {
  const dtypes = DTYPES[type]
  if (!dtypes) {
    const what = type.startsWith('Big') ? 'token ids' : 'ids, a mask or raw bytes'
    throw refused(`${name} holds a ${type}: ${what}, not logits; pass the float tensor that the model returns`)
  }
  const dtype = dtypeNamed(named)
  if (named !== undefined && (!dtype || !dtypes.includes(dtype))) {
    const fits = dtypes.map((fit) => `'${fit}'`).join(' or ')
    throw refused(
      `${name} holds a ${type}, whose dtype is ${fits}, not ${describeValue(named)}; the precision to judge by is an option of the comparison`,
    )
  }
  if (type.startsWith('Int') && confirmed === undefined) {
    throw refused(
      `${name} holds an ${type}: token ids, not logits; if they are the integer logits of a quantised head, set dtype: '${dtypes[0]}'`,
    )
  }
  if (dtypes.length > 1 && dtype === undefined) {
    throw refused(`${name} holds a ${type}: the bits of which type? set dtype: 'bfloat16' or 'float16'`)
  }
  return dtype ?? dtypes[0]!
}

function shapeOf(dims: unknown, name: string): number[] {
  const shape = typeof dims === 'object' && dims !== null ? Array.from(dims as ArrayLike<unknown>) : []
  if (shape.length === 0 || !shape.every((size) => Number.isSafeInteger(size) && (size as number) > 0)) {
    const text = Array.isArray(dims) ? `[${printable(dims.map(String).join(', '), 60)}]` : describeValue(dims)
    throw refused(`the dims of ${name} must be a list of whole numbers from 1, such as [1, 32000], got ${text}`)
  }
  return shape as number[]
}

export function refused(message: string, cause?: unknown): GoldenLogitsError {
  const error = invalidArgument(`logitsOf: ${message}`)
  if (cause !== undefined) error.cause = cause
  return error
}
