import { GoldenLogitsError } from '../errors.js'
import { allocate, type Budgets, withinBudget } from '../io/budgets.js'
import type { ByteSource } from '../io/byte-source.js'
import { decodeUtf8 } from '../io/utf8.js'
import { checkRank } from './array-tensor.js'
import { brokenTensor, FieldCursor, type Tag, WIRE } from './protobuf.js'

/** What the fields of `TensorProto` (`onnx/onnx.proto`) say. */
interface OnnxFields {
  readonly shape: number[]
  /** A number of the enumeration `TensorProto.DataType`. */
  dataType: number
  name: string
  elements: ElementField | undefined
}

interface ElementField {
  readonly field: number
  /** Offset of the first element, or of the tag in front of it. */
  readonly start: number
  /** In bytes. */
  length: number
  /** Number of the elements if each is in a separate field; undefined if all are in one. */
  count: number | undefined
}

/** The numbers of the fields. */
export const FIELD = {
  dims: 1,
  dataType: 2,
  segment: 3,
  floatData: 4,
  int32Data: 5,
  stringData: 6,
  int64Data: 7,
  name: 8,
  rawData: 9,
  doubleData: 10,
  uint64Data: 11,
  docString: 12,
  externalData: 13,
  dataLocation: 14,
  metadataProps: 16,
} as const

/** The fields of elements: their names, and how one element is stored. `raw_data` has no such elements. */
export const ELEMENTS: ReadonlyMap<number, { readonly name: string; readonly wire: number }> = new Map([
  [FIELD.floatData, { name: 'float_data', wire: WIRE.fixed32 }],
  [FIELD.int32Data, { name: 'int32_data', wire: WIRE.varint }],
  [FIELD.int64Data, { name: 'int64_data', wire: WIRE.varint }],
  [FIELD.rawData, { name: 'raw_data', wire: WIRE.bytes }],
  [FIELD.doubleData, { name: 'double_data', wire: WIRE.fixed64 }],
  [FIELD.uint64Data, { name: 'uint64_data', wire: WIRE.varint }],
])

/**
 * Goes through all fields of a tensor, and reads those that are not elements.
 * @throws GoldenLogitsError for every field that is there twice, or that makes the elements something else than the
 * tensor: text, a segment, data in another file
 */
export function readOnnxFields(source: ByteSource, budgets: Budgets): OnnxFields {
  const cursor = new FieldCursor(source)
  const fields: OnnxFields = { shape: [], dataType: 0, name: '', elements: undefined }
  const before = new Set<number>()
  let last = 0
  let header = 0
  while (!cursor.isAtEnd) {
    const tag = cursor.tag()
    if (before.has(tag.field) && !mayRepeat(tag, last)) throw twice(source, tag)
    before.add(tag.field)
    last = tag.field
    if (ELEMENTS.has(tag.field)) readElements(source, cursor, tag, fields, budgets)
    else {
      readField(source, cursor, tag, fields, budgets)
      header += cursor.at - tag.start
      withinBudget(budgets, 'onnxFields', header, 'bytes of an ONNX tensor beside its elements', { file: source.file })
    }
  }
  return fields
}

/** Whether a field may be there again: sizes and elements one by one, which must follow each other, and metadata. */
function mayRepeat({ field, wire }: Tag, last: number): boolean {
  if (field === FIELD.metadataProps) return true
  return field === last && wire !== WIRE.bytes && (field === FIELD.dims || ELEMENTS.has(field))
}

function readElements(source: ByteSource, cursor: FieldCursor, tag: Tag, fields: OnnxFields, budgets: Budgets): void {
  const { field, start } = tag
  const { name, wire } = ELEMENTS.get(field)!
  const { elements } = fields
  if (elements && elements.field !== field) {
    const problem = `it has elements in ${ELEMENTS.get(elements.field)!.name} and ${name}`
    throw brokenTensor(source, 'bad-storage', problem, start)
  }
  if (tag.wire === WIRE.bytes) {
    const length = cursor.length()
    fields.elements = { field, start: cursor.at, length, count: undefined }
    cursor.skipElements(length)
    return
  }
  if (tag.wire !== wire) throw wrongWire(source, tag)
  if (elements && elements.count === undefined) throw twice(source, tag)
  if (wire === WIRE.varint) cursor.skipVarint()
  else cursor.skip(wire === WIRE.fixed32 ? 4 : 8)
  const { start: first, count } = elements ?? { start, count: 0 }
  const counted = count! + 1
  withinBudget(budgets, 'elements', counted, 'elements decoded of one tensor', { file: source.file })
  fields.elements = { field, start: first, length: cursor.at - first, count: counted }
}

function readField(source: ByteSource, cursor: FieldCursor, tag: Tag, fields: OnnxFields, budgets: Budgets): void {
  const { file } = source
  const isNumber = tag.field === FIELD.dataType || tag.field === FIELD.dataLocation
  if (tag.wire !== (isNumber ? WIRE.varint : WIRE.bytes) && !(tag.field === FIELD.dims && tag.wire === WIRE.varint)) {
    throw wrongWire(source, tag)
  }
  switch (tag.field) {
    case FIELD.dims:
      readSizes(source, cursor, tag, fields, budgets)
      return
    case FIELD.dataType:
      fields.dataType = cursor.number('the data type')
      return
    case FIELD.name:
      fields.name = readName(source, cursor, budgets)
      return
    case FIELD.docString:
    case FIELD.metadataProps:
      cursor.skip(cursor.length())
      return
    case FIELD.dataLocation:
      if (cursor.number('the location of the data') === 0) return
      throw externalData(file)
    case FIELD.externalData:
      throw externalData(file)
    case FIELD.segment: {
      const message = 'is a segment of an ONNX tensor; save the tensor as a whole by onnx.save_tensor'
      throw new GoldenLogitsError('unsupported-format', message, { file })
    }
    case FIELD.stringData:
      throw new GoldenLogitsError('unsupported-dtype', 'is an ONNX tensor of texts, expected numbers', { file })
    default:
      throw badField(source, tag, 'is not one of an ONNX tensor')
  }
}

/** One size, or all of them in one field. */
function readSizes(source: ByteSource, cursor: FieldCursor, tag: Tag, { shape }: OnnxFields, budgets: Budgets): void {
  const end = tag.wire === WIRE.bytes ? cursor.length() + cursor.at : cursor.at + 1
  while (cursor.at < end) {
    shape.push(cursor.number('a size'))
    checkRank(shape, budgets, { file: source.file })
  }
  if (tag.wire === WIRE.bytes && cursor.at > end) {
    throw brokenTensor(source, 'bad-header', 'a size goes beyond the field of all sizes', tag.start)
  }
}

function readName(source: ByteSource, cursor: FieldCursor, budgets: Budgets): string {
  const length = cursor.length()
  withinBudget(budgets, 'onnxFields', length, 'bytes of the name of an ONNX tensor', { file: source.file })
  const bytes = allocate(length, 'the name of the tensor', source)
  source.read(cursor.at, bytes)
  cursor.skip(length)
  const name = decodeUtf8(bytes)
  if (name !== undefined) return name
  throw brokenTensor(source, 'bad-header', 'its name is not UTF-8', cursor.at - length)
}

function externalData(file: string): GoldenLogitsError {
  const message =
    'is an ONNX tensor whose elements are in another file; load it with its data and save it again: onnx.external_data_helper.load_external_data_for_tensor, onnx.save_tensor'
  return new GoldenLogitsError('unsupported-format', message, { file })
}

function twice(source: ByteSource, tag: Tag): GoldenLogitsError {
  return badField(source, tag, 'is there twice, and not as one list')
}

function wrongWire(source: ByteSource, tag: Tag): GoldenLogitsError {
  return badField(source, tag, `has the wire type ${tag.wire}, which it has in no ONNX tensor`)
}

function badField(source: ByteSource, { field, start }: Tag, problem: string): GoldenLogitsError {
  return brokenTensor(source, 'bad-header', `field ${field} ${problem}`, start)
}
