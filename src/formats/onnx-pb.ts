import { GoldenLogitsError } from '../errors.js'
import { type Budgets, withinBudget } from '../io/budgets.js'
import type { ByteSource } from '../io/byte-source.js'
import { type Dtype, itemSize } from '../tensor/dtype.js'
import { arrayBytes, arrayTensor, arrayView, type StoredArray } from './array-tensor.js'
import { type CodedElements, checkCodedSize, decodeElements } from './coded-elements.js'
import type { Checks, Format, StoredTensor } from './format.js'
import { ELEMENTS, FIELD, readOnnxFields } from './onnx-fields.js'
import { brokenTensor, WIRE } from './protobuf.js'

/**
 * A tensor of ONNX (`onnx.save_tensor`, `test_data_set_0/output_0.pb`): the message `TensorProto` of `onnx/onnx.proto`. It
 * has no magic bytes, but writers put fields in the order of their numbers: it begins with its sizes and its data type.
 */
export const onnxPb: Format = {
  name: 'onnx-pb',
  description: 'an ONNX tensor (.pb)',
  extensions: ['.pb'],
  matches: startsTensor,
  read: readOnnxTensor,
}

/** Sizes, each in a separate field. */
const SIZES = /^(?:\x08[\x80-\xff]{0,9}[\0-\x7f])*/

/** All sizes as one field of at most 127 bytes. */
const PACKED_SIZES = /^\x0a([\0-\x7f])/

/** The data type, and the tag of any field that may follow it. */
const AFTER_SIZES =
  /^\x10[\x01-\x7f](?:[\x1a\x22\x25\x28\x2a\x32\x38\x3a\x42\x4a\x51\x52\x58\x5a\x62\x6a\x70]|\x82\x01)/

function startsTensor(head: string): boolean {
  const packed = PACKED_SIZES.exec(head)
  const sizes = packed ? 2 + packed[1]!.charCodeAt(0) : SIZES.exec(head)![0].length
  return AFTER_SIZES.test(head.slice(sizes))
}

/** Each `data_type` that is read, and the field that holds its elements if `raw_data` does not. */
const DTYPES: ReadonlyMap<number, readonly [Dtype, number]> = new Map<number, [Dtype, number]>([
  [1, ['float32', FIELD.floatData]],
  [2, ['uint8', FIELD.int32Data]],
  [3, ['int8', FIELD.int32Data]],
  [4, ['uint16', FIELD.int32Data]],
  [5, ['int16', FIELD.int32Data]],
  [6, ['int32', FIELD.int32Data]],
  [7, ['int64', FIELD.int64Data]],
  [9, ['bool', FIELD.int32Data]],
  [10, ['float16', FIELD.int32Data]],
  [11, ['float64', FIELD.doubleData]],
  [12, ['uint32', FIELD.uint64Data]],
  [13, ['uint64', FIELD.uint64Data]],
  [16, ['bfloat16', FIELD.int32Data]],
])

function readOnnxTensor(source: ByteSource, budgets: Budgets): StoredTensor[] {
  const { shape, dataType, name, elements } = readOnnxFields(source, budgets)
  const [dtype, typedField] = dtypeOf(source, dataType)
  const expected = arrayBytes(dtype, shape)
  const label = `[${shape.join(', ')}] of ${dtype}`
  if (!elements)
    throw brokenTensor(source, 'bad-storage', `it has the shape ${label} and no elements: the file was cut short`)
  const { field, start, length, count: counted } = elements
  const { name: fieldName, wire } = ELEMENTS.get(field)!
  if (field !== FIELD.rawData && field !== typedField) {
    const right = ELEMENTS.get(typedField)!.name
    const problem = `its elements are in ${fieldName}, expected ${right} or raw_data for ${dtype}`
    throw brokenTensor(source, 'bad-storage', problem)
  }
  const array: StoredArray = { name, dtype, shape, start }
  if (counted === undefined && wire !== WIRE.varint) {
    if (BigInt(length) === expected) return [arrayTensor(array)]
    const problem = `the shape ${label} takes ${expected} bytes, but its ${fieldName} has ${length}`
    throw brokenTensor(source, 'bad-storage', problem)
  }
  const tag = counted === undefined ? undefined : 8 * field + wire
  const count = Number(expected / BigInt(itemSize(dtype)))
  withinBudget(budgets, 'elements', count, 'elements decoded of one tensor', { file: source.file })
  const coded = { start, length, count, dtype, wire, tag }
  checkCodedSize(source, coded)
  return [codedTensor(array, coded)]
}

/** A tensor whose elements are decoded together, when the first of them is read. */
function codedTensor(array: StoredArray, coded: CodedElements): StoredTensor {
  const decoded = (from: ByteSource, checks: Checks): Uint8Array => {
    if (checks.inflated?.record !== coded) checks.inflated = { record: coded, content: decodeElements(from, coded) }
    return checks.inflated.content
  }
  return {
    ...arrayView(array),
    open: (from, checks) => ({
      bigEndian: false,
      read: (offset, into) => into.set(decoded(from, checks).subarray(offset, offset + into.length)),
    }),
  }
}

function dtypeOf(source: ByteSource, dataType: number): readonly [Dtype, number] {
  const dtype = DTYPES.get(dataType)
  if (dtype) return dtype
  const names = [...DTYPES].map(([number, [name]]) => `${number} ${name}`).join(', ')
  const message = `is an ONNX tensor of data type ${dataType}; expected one of ${names}`
  throw new GoldenLogitsError('unsupported-dtype', message, { file: source.file })
}
