import { itemSize } from '../../src/tensor/dtype.js'
import { bytesField, fixedField, numberField, varint } from '../formats/build/onnx.js'
import { bytesOf, utf8 } from '../formats/build/pickle.js'
import { type Choices, chance, EDGES, pick, times } from './choices.js'
import { type CommonDtype, type Elements, elementsOf } from './elements.js'
import type { GeneratedFile } from './file-grammar.js'

/** The numbers of `TensorProto.DataType`. */
const DATA_TYPES: Readonly<Record<CommonDtype, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  bfloat16: 16,
}

/** A tensor of ONNX as onnx or a writer of another language might write it. */
export function generateOnnx(choices: Choices, faults: number): GeneratedFile {
  const elements = elementsOf(choices)
  let wrong = false
  const spoils = () => {
    const spoilt = choices.int(1000) >= 1000 - 4 * faults
    wrong ||= spoilt
    return spoilt
  }
  const number = (value: number) => (spoils() ? pick(choices, EDGES) : value)
  const shape = [1, elements.values.length]
  const sizes = chance(choices, 30)
    ? [bytesField(1, bytesOf(...shape.map((size) => varint(number(size)))))]
    : shape.map((size) => numberField(1, number(size)))
  const name = pick(choices, ['logits', '', '__proto__', '日本'])
  const named = bytesField(8, utf8(name))
  const data = dataFields(choices, elements, spoils)
  const begin = [...sizes, numberField(2, number(DATA_TYPES[elements.dtype]))]
  const parts = [...(chance(choices, 50) ? [named, ...data] : [...data, named])]
  if (chance(choices, 20)) parts.push(bytesField(12, utf8('text')))
  if (chance(choices, 20))
    parts.push(numberField(14, 0), bytesField(16, new Uint8Array(0)), bytesField(16, utf8('\n\0')))
  // A field of any number and wire type, or one that is there already.
  if (spoils()) {
    const more = numberField(Number(BigInt.asUintN(20, pick(choices, EDGES))), choices.int(9))
    parts.splice(choices.int(parts.length), 0, pick(choices, [more, named, Uint8Array.of(choices.int(256)), ...begin]))
  }
  const bytes = bytesOf(...begin, ...parts)
  const file = spoils() ? bytes.subarray(0, choices.int(bytes.length)) : bytes
  const { dtype, values } = elements
  // A number may have been replaced by itself, and a file may end where its name would begin.
  return { bytes: file, ...(!wrong && { expected: [{ name, dtype, shape, values }] }) }
}

/** The field of the elements, or a field for each of them; at least one, which says that there are elements. */
function dataFields(choices: Choices, { dtype, values, bytes }: Elements, spoils: () => boolean): Uint8Array[] {
  const raw = spoils() ? bytes.subarray(1) : bytes
  if (chance(choices, 40)) return [bytesField(9, raw)]
  const item = itemSize(dtype)
  const isPacked = values.length === 0 || chance(choices, 50)
  if (dtype === 'float32' || dtype === 'float64') {
    const field = dtype === 'float32' ? 4 : 10
    if (isPacked) return [bytesField(field, raw)]
    return times(values.length, (i) => fixedField(field, bytes.subarray(i * item, (i + 1) * item)))
  }
  const field = dtype === 'int64' ? 7 : 5
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const isHalf = dtype === 'float16' || dtype === 'bfloat16'
  const numbers = values.map((value, i) =>
    spoils() ? pick(choices, EDGES) : isHalf ? view.getUint16(2 * i, true) : value,
  )
  return isPacked
    ? [bytesField(field, bytesOf(...numbers.map(varint)))]
    : numbers.map((value) => numberField(field, value))
}
