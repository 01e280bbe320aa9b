import { itemSize } from '../../src/tensor/dtype.js'
import { npy, safetensors } from '../formats/build/arrays.js'
import { bytesOf } from '../formats/build/pickle.js'
import { type Choices, chance, EDGES, pick, times } from './choices.js'
import { type CommonDtype, type Elements, elementsOf } from './elements.js'
import type { GeneratedFile } from './file-grammar.js'
import type { ExpectedTensor } from './pickle-grammar.js'

const DESCR: Readonly<Record<CommonDtype, string>> = {
  float64: 'f8',
  float32: 'f4',
  float16: 'f2',
  bfloat16: 'V2',
  int64: 'i8',
  int32: 'i4',
  int16: 'i2',
  int8: 'i1',
  uint8: 'u1',
  bool: 'b1',
}

/** A `.npy` file as NumPy or another writer might write it. */
export function generateNpy(choices: Choices, faults: number): GeneratedFile {
  const { dtype, values, bytes } = elementsOf(choices)
  const [rows, columns] = shapeOf(choices, values.length)
  const shape = [...times(choices.int(3), () => 1), rows, columns]
  const fortran = chance(choices, 40)
  const big = chance(choices, 25)
  let wrong = false
  const or = (text: string): string => {
    if (choices.int(1000) < 1000 - 4 * faults) return text
    wrong = true
    const edge = pick(choices, EDGES)
    const odd = [
      '',
      '-1',
      `(${edge},)`,
      `(${edge}, ${edge})`,
      `'${edge}'`,
      'None',
      "'|O'",
      "[('a', '<f4')]",
      '()',
      '(1, 1, 1, 1, 3)',
    ]
    return pick(choices, [
      ...odd,
      '\u001b[2J',
      "'<f4",
      '{',
      '}',
      "'<c8'",
      "'<U3'",
      '1e3',
      '0x10',
      '1.0',
      ' '.repeat(9000),
      '('.repeat(99),
    ])
  }
  const header: Record<string, string> = {
    descr: or(pick(choices, [`'${big ? '>' : '<'}${DESCR[dtype]}'`, `"${big ? '>' : '<'}${DESCR[dtype]}"`])),
    fortran_order: or(fortran ? 'True' : 'False'),
    shape: or(`(${shape.map((size) => `${size}${pick(choices, ['', 'L'])}, `).join('')})`),
  }
  const names = chance(choices, 30) ? Object.keys(header).reverse() : Object.keys(header)
  const entries = Object.fromEntries(names.map((name) => [name, header[name]!]))
  if (faults > 0 && chance(choices, 5)) {
    wrong = true
    entries[pick(choices, ['more', 'a b', '__proto__x', ''])] = '1'
  }
  const data = big ? swapped(bytes, itemSize(dtype)) : bytes
  const tail = faults > 0 && chance(choices, 15) ? pick(choices, [data.subarray(1), bytesOf(data, 0), npy(data)]) : data
  if (tail.length !== data.length) wrong = true
  const file = npy(tail, entries, pick(choices, [1, 2, 3] as const))
  const inOrder = fortran
    ? times(values.length, (i) => values[(i % columns) * rows + Math.floor(i / columns)]!)
    : values
  return { bytes: file, ...(!wrong && { expected: [{ name: '', dtype, shape, values: inOrder }] }) }
}

/** Two sizes whose product is the number of elements. */
function shapeOf(choices: Choices, count: number): [rows: number, columns: number] {
  if (count === 0) return [choices.int(3), 0]
  const divisors = times(count, (i) => i + 1).filter((size) => count % size === 0)
  const rows = pick(choices, divisors)
  return [rows, count / rows]
}

function swapped(bytes: Uint8Array, item: number): Uint8Array {
  return Uint8Array.from(bytes, (_, i) => bytes[i - (i % item) + item - 1 - (i % item)]!)
}

const CODES: Readonly<Record<CommonDtype, string>> = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint8: 'U8',
  bool: 'BOOL',
}

/** A safetensors file: its tensors lie in any order. */
export function generateSafetensors(choices: Choices, faults: number): GeneratedFile {
  const tensors = times(1 + choices.int(3), (i) => ({
    name: `${pick(choices, ['logits', '__proto__', '', 'a.b', '日本', 'x"\\'])}${i}`,
    elements: elementsOf(choices),
  }))
  let wrong = false
  const or = (value: unknown): unknown => {
    if (choices.int(1000) < 1000 - 4 * faults) return value
    wrong = true
    const edge = Number(pick(choices, EDGES))
    return pick(choices, [
      null,
      -1,
      1.5,
      edge,
      [edge],
      [edge, edge],
      [0, edge],
      'F8_E4M3',
      '',
      {},
      [],
      [null],
      true,
      '\u001b[2J',
    ])
  }
  const stored = chance(choices, 50) ? [...tensors].reverse() : tensors
  const offsets = new Map<string, number>()
  let at = 0
  for (const { name, elements } of stored) {
    offsets.set(name, at)
    at += elements.bytes.length
  }
  // Not as an object, which would put names such as '1' first.
  const entries = tensors
    .map(({ name, elements: { dtype, values, bytes } }) => {
      const from = offsets.get(name)!
      const entry = {
        dtype: or(CODES[dtype]),
        shape: or([1, values.length]),
        data_offsets: or([from, from + bytes.length]),
      }
      return `${JSON.stringify(name)}:${JSON.stringify(or(entry))}`
    })
    .join(',')
  const metadata = chance(choices, 40) ? '"__metadata__":{"format":"pt"},' : ''
  const data = bytesOf(...stored.map(({ elements }) => elements.bytes))
  const tail = faults > 0 && chance(choices, 10) ? pick(choices, [data.subarray(1), bytesOf(data, 0)]) : data
  if (tail.length !== data.length) wrong = true
  const padded = `{${metadata}${entries}}${' '.repeat(choices.int(9))}`
  const expected = tensors.map(({ name, elements }) => expectedOf(name, elements))
  return { bytes: safetensors(padded, tail), ...(!wrong && { expected }) }
}

function expectedOf(name: string, { dtype, values }: Elements): ExpectedTensor {
  return { name, dtype, shape: [1, values.length], values }
}
