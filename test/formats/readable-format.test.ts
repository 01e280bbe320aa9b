import { expect, test } from 'vitest'
import { readableFormat } from '../../src/formats/index.js'
import { memorySource } from '../../src/io/memory-source.js'
import { bin } from './build/bin.js'
import { pickle, tensor, utf8 } from './build/pickle.js'
import { FOUR, torchZip } from './build/zip.js'

test.each<[string, Uint8Array, string | undefined]>([
  ['a torch file', torchZip(pickle(tensor())), 'torch-zip'],
  ['an ATB file', bin({}, FOUR), 'atb-bin'],
  ['a GGUF model, which is known but not read', utf8('GGUF'), undefined],
  ['a NumPy array', utf8('\u0000NUMPY').with(0, 0x93), 'npy'],
  ['an ONNX tensor', Uint8Array.of(8, 1, 16, 1, 74), 'onnx-pb'],
  ['a text', utf8('no tensor at all'), undefined],
])('the first bytes of %s', (_, bytes, format) => {
  expect(readableFormat(memorySource(bytes, 'file'))).toBe(format)
})
