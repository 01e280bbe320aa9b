import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { FIXTURES, formatConformance, readManifest } from '../conformance/format.js'

// Files of every format, written by the real libraries.

const torch = readdirSync(join(FIXTURES, 'torch'))
  .filter((name) => name.endsWith('.json'))
  .flatMap((name) => readManifest(`torch/${name}`))

test('there are more than 400 files of old and new torch', () => {
  expect(new Set(torch.map(({ file }) => file)).size).toBe(413)
})

formatConformance({ format: 'torch', files: torch, folders: ['torch', 'legacy'], ending: '.pth' })
formatConformance({
  format: 'npy',
  files: readManifest('npy/manifest.json'),
  folders: ['npy'],
  ending: '.npy',
  pair: ['npy/pair-a.npy', 'npy/pair-b.npy'],
})
formatConformance({
  format: 'safetensors',
  files: readManifest('safetensors/manifest.json'),
  folders: ['safetensors'],
  ending: '.safetensors',
  pair: ['safetensors/pair-a.safetensors', 'safetensors/pair-b.safetensors'],
})
formatConformance({ format: 'npz', files: readManifest('npz/manifest.json'), folders: ['npz'], ending: '.npz' })
formatConformance({ format: 'torch (.pt)', files: readManifest('pt/manifest.json'), folders: ['pt'], ending: '.pt' })
formatConformance({
  format: 'onnx',
  files: readManifest('onnx/manifest.json'),
  folders: ['onnx'],
  ending: '.pb',
  pair: ['onnx/pair-a.pb', 'onnx/pair-b.pb'],
  fieldsAfterElements: true,
})
