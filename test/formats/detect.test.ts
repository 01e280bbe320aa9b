import { describe, expect, test } from 'vitest'
import { detectFormat } from '../../src/formats/index.js'
import { memorySource } from '../../src/io/memory-source.js'
import { npy, safetensors } from './build/arrays.js'
import { bin } from './build/bin.js'
import { legacy } from './build/legacy.js'
import { bytesField, numberField } from './build/onnx.js'
import { bytesOf, pickle, tensor, utf8 } from './build/pickle.js'
import { expectRefusal, expectRefused, readAll, refusalOf } from './build/refusal.js'
import { FOUR, torchZip, zip } from './build/zip.js'

const latin1 = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'))

describe('the first bytes alone decide the format', () => {
  test.each<[string, Uint8Array]>([
    ['torch.save', torchZip(pickle(tensor()))],
    ['torch.save before 1.6', legacy()],
    ['ATB', bin({}, FOUR)],
    ['NumPy', npy(FOUR)],
    ['ONNX', onnx()],
    ['safetensors', safetensors({ logits: { dtype: 'F32', shape: [4], data_offsets: [0, 16] } }, FOUR)],
  ])('%s', (_, bytes) => {
    expect(readAll(bytes)[0]!.values).toEqual([1, -2, 0.5, 8])
  })

  test.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'is empty'],
    ['a GGUF file', utf8('GGUF\u0003\0\0\0'), 'is a GGUF model'],
    ['an HDF5 file', latin1('\x89HDF\r\n\x1a\n'), 'is an HDF5 file'],
    ['a gzip file', latin1('\x1f\x8b\x08\x00'), 'is compressed by gzip'],
    ['a zstd file', latin1('\x28\xb5\x2f\xfd'), 'is compressed by zstd'],
    [
      'a tar file',
      bytesOf(new Uint8Array(257), utf8('ustar'), new Uint8Array(250)),
      'is a tar archive (torch.save before',
    ],
    ['a tar file that begins as a pickle', bytesOf(0x80, 2, new Uint8Array(255), utf8('ustar')), 'is a tar archive'],
    ['a tar file that begins as a .bin', bytesOf(utf8('a=1'), new Uint8Array(254), utf8('ustar')), 'is a tar archive'],
    ['an empty zip archive', zip([]), 'is an empty zip archive'],
    [
      'a Git LFS pointer',
      utf8('version https://git-lfs.github.com/spec/v1\noid sha256:00\n'),
      'is a Git LFS pointer: run',
    ],
    ['an ONNX model', bytesOf(8, 10, 0x12, 7, utf8('pytorch')), 'is a model of ONNX or TensorFlow (run it'],
    ['a SavedModel', bytesOf(8, 1, 0x12, 0x80, 9), 'is a model of ONNX or TensorFlow (run it'],
    ['a TensorFlow graph', bytesOf(10, 8, 10, 1, 0x78, 0x12, 5, utf8('Const')), 'is of an unknown format'],
    ['an ONNX tensor that ends after its type', bytesOf(8, 4, 0x10, 1), 'is of an unknown format'],
    ['sizes alone', bytesOf(new Uint8Array(400).map((_, i) => (i % 2 ? 1 : 8))), 'is of an unknown format'],
    ['a packed list that does not end', bytesOf(10, 4, 1, 1), 'is of an unknown format'],
    ['a type of no tensor', bytesOf(8, 4, 0x10, 0, onnx().subarray(4)), 'is of an unknown format'],
    ['a PNG file', latin1('\x89PNG\r\n\x1a\n'), 'is of an unknown format'],
    ['text', utf8('hello world\n'), 'is of an unknown format'],
    ['JSON', utf8('{"logits": [1, 2]}'), 'is of an unknown format'],
    ['a line that never comes to its =', utf8('x'.repeat(100_000)), 'is of an unknown format'],
    ['one byte', utf8('P'), 'is of an unknown format'],
    [
      'a zip archive behind something else',
      bytesOf(utf8('#!/bin/sh\n'), torchZip(pickle(tensor()))),
      'is of an unknown',
    ],
  ])('%s is refused by name', (_, bytes, what) => {
    const message = `${what}`
    const error = expectRefused(bytes, 'unsupported-format', message)
    expect(error.message).toContain(', expected one of: a NumPy archive (.npz), a file of torch.save (.pth, .pt), ')
  })
})

/** A tensor [4] of float32. */
function onnx(): Uint8Array {
  return bytesOf(numberField(1, 4), numberField(2, 1), bytesField(9, FOUR))
}

describe('no file has two formats', () => {
  test('a header of safetensors that begins with the bytes of an ONNX tensor or model is one of safetensors', () => {
    // Its length is what these bytes say: 08 04 10, and 08 0a 12.
    for (const length of [0x100408, 0x120a08]) {
      const entry = JSON.stringify({ logits: { dtype: 'F32', shape: [4], data_offsets: [0, 16] } })
      const values = readAll(safetensors(entry.padEnd(length), FOUR), { safetensorsHeader: 2 ** 21 })[0]!.values
      expect(values).toEqual([1, -2, 0.5, 8])
    }
  })

  test('a file that begins like an archive is an archive', () => {
    expectRefused(bytesOf(torchZip(pickle(tensor())), legacy()), 'bad-archive', 'it has no end record')
    expectRefused(bytesOf(utf8('PK\x03\x04'), legacy().subarray(4)), 'bad-archive', 'it has no end record')
  })

  test('a file that begins like a legacy file is one, also if an archive follows', () => {
    expectRefused(bytesOf(legacy(), torchZip(pickle(tensor()))), 'bad-legacy', 'after its last storage')
  })

  test('a file that begins like a .bin header is a .bin file, also if an archive follows', () => {
    expectRefused(bytesOf(bin({}, FOUR), torchZip(pickle(tensor()))), 'bad-bin', 'is longer than its header says')
    expectRefused(bytesOf(utf8('dtype=0\n'), torchZip(pickle(tensor()))), 'bad-header', "a line is 'PK\\x03\\x04")
  })
})

test('raw numbers by the name of an array are said to have no header', () => {
  const text = 'if it holds raw numbers without a header (np.memmap, tofile), save them by numpy.save'
  for (const name of ['logits.npy', 'logits.BIN']) {
    const source = memorySource(FOUR, name)
    expectRefusal(() => detectFormat(source), 'unsupported-format', `); ${text}`, name)
  }
  for (const [name, bytes] of [
    ['logits.pt', FOUR],
    ['logits.npy', new Uint8Array(0)],
    ['logits.npy', latin1('\x1f\x8b\x08\x00')],
  ] as const) {
    expect(refusalOf(() => detectFormat(memorySource(bytes, name))).message).not.toContain('raw numbers')
  }
})
