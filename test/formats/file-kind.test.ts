import { describe, expect, test } from 'vitest'
import { isOfKind, isSame } from '../../src/formats/file-kind.js'
import { openTensors } from '../../src/formats/open-tensors.js'
import { memorySource } from '../../src/io/memory-source.js'
import { bin } from './build/bin.js'
import { bytesOf, int, pickle, tensor, tuple, utf8 } from './build/pickle.js'
import { torchZip } from './build/zip.js'

const source = memorySource
const kindOf = (bytes: Uint8Array, file: string) => openTensors(source(bytes, file)).kind!
const values = (...numbers: number[]) => new Uint8Array(Float32Array.from(numbers).buffer)

describe('a file of torch', () => {
  const square = tensor({ size: tuple(int(2), int(2)), stride: tuple(int(2), int(1)) })
  const [bytes, other] = [values(1, 2, 3, 4), values(5, 6, 7, 8)].map((data) => torchZip(pickle(square), data)) as [
    Uint8Array,
    Uint8Array,
  ]
  /** The same with another folder in it. */
  const called = (name: string, of = other) =>
    new Uint8Array(Buffer.from(Buffer.from(of).toString('latin1').replaceAll('archive/', `${name}/`), 'latin1'))

  test('is the same as one with other elements and another CRC, and of its kind', () => {
    const make = (...data: number[]) => torchZip(pickle(tensor()), values(...data))
    const kind = kindOf(make(1, 2, 3, 4), 'a.pth')
    const next = make(5, 6, 7, 8)
    expect(kind.own).toBeUndefined()
    for (const is of [isSame, isOfKind]) {
      expect(is(source(next, 'b.pth'), kind)).toBe(true)
      expect(is(source(called('logit_1', next), 'logit_1.pth'), kind)).toBe(false)
      expect(is(source(bytesOf(next, utf8('x')), 'b.pth'), kind)).toBe(false)
    }
  })

  test('that is called as the folder in it is of one kind with others that are, and the same as none of them', () => {
    const kind = kindOf(bytes, 'dumps/archive.pth')
    expect(kind.own).toMatchObject({ name: 'archive' })
    const [renamed, file] = [called('logit_1'), 'dumps/logit_1.pth']
    expect([isSame(source(renamed, file), kind), isOfKind(source(renamed, file), kind)]).toEqual([false, true])
    // What is in it decides, not what it is called.
    expect([isSame(source(other, file), kind), isOfKind(source(other, file), kind)]).toEqual([true, true])
    expect(isOfKind(source(renamed, 'logit_2.pth'), kind)).toBe(false)
    expect(isOfKind(source(renamed, 'logit_10.pth'), kind)).toBe(false)
    expect(isOfKind(source(renamed, 'l\u00f6git_1.pth'), kind)).toBe(false)
    const last = renamed.slice()
    last[Buffer.from(last).lastIndexOf('logit_1')]! ^= 1
    expect(isOfKind(source(last, file), kind)).toBe(false)
  })
})

test('a file of ATB is the same as another one of its header, if that is no tar archive', () => {
  const make = (seed: number) =>
    bin({ dims: '1,64', '$Object.Length': '256', '$Object.data': '0,256' }, values(...new Array(64).fill(seed)))
  const kind = kindOf(make(1), 'a.bin')
  const tar = make(3)
  tar.set(utf8('ustar'), 257)
  for (const is of [isSame, isOfKind]) {
    expect([make(2), tar].map((bytes) => is(source(bytes, 'b.bin'), kind))).toEqual([true, false])
  }
})
