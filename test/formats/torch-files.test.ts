import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readTensors } from '../../src/formats/read-tensors.js'
import { itemSize } from '../../src/tensor/dtype.js'

const ROOT = join(import.meta.dirname, '../fixtures')

/** What torch.load returned for a file: see scripts/fixtures/make_torch.py. */
interface Manifest {
  torch: string
  files: { file: string; tensors: { name: string; dtype: string; shape: number[]; float32: string; raw: string }[] }[]
}

const manifests = readdirSync(join(ROOT, 'torch'))
  .filter((name) => name.endsWith('.json'))
  .map((name): Manifest => JSON.parse(readFileSync(join(ROOT, 'torch', name), 'utf8')))

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** The payload of a NaN depends on the loop of torch that converted it, so all NaN are equal in the manifest. */
function oneNaN(values: Float32Array): Uint8Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  bits.forEach((_, i) => {
    if (Number.isNaN(values[i])) bits[i] = 0x7fc00000
  })
  return new Uint8Array(values.buffer)
}

describe.each(manifests)('files of torch $torch', ({ files }) => {
  test.each(files)('$file reads bit for bit as in PyTorch', ({ file, tensors }) => {
    const found = readTensors(join(ROOT, file)).map((tensor) => {
      const raw = new Uint8Array(tensor.length * itemSize(tensor.dtype))
      tensor.readRaw(0, tensor.length, raw)
      const widened = tensor.toFloat32()
      return {
        name: tensor.name,
        dtype: tensor.dtype,
        shape: tensor.shape,
        float32: sha256(oneNaN(widened)),
        raw: sha256(raw),
      }
    })
    expect(found).toEqual(tensors)
  })

  test.each(files)('$file reads the same in parts', ({ file }) => {
    for (const tensor of readTensors(join(ROOT, file))) {
      const item = itemSize(tensor.dtype)
      const whole = new Uint8Array(tensor.length * item)
      tensor.readRaw(0, tensor.length, whole)
      const parts = new Uint8Array(whole.length)
      // Not a divisor of the row length, so that parts begin and end inside rows.
      for (let start = 0; start < tensor.length; start += 5) {
        const count = Math.min(5, tensor.length - start)
        tensor.readRaw(start, count, parts.subarray(start * item))
      }
      expect(parts).toEqual(whole)
    }
  })
})

test('there are more than 400 files of old and new torch', () => {
  expect(manifests.map(({ torch }) => torch).sort()).toEqual(['1.13.1', '2.13.0'])
  const names = manifests.flatMap(({ files }) => files.map(({ file }) => file))
  expect(new Set(names).size).toBe(413)
  const present = ['torch', 'legacy'].flatMap((folder) =>
    readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`),
  )
  expect(present.filter((name) => name.endsWith('.pth')).sort()).toEqual(names.sort())
})
