import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { FIXTURES } from '../conformance/format.js'

interface Manifest {
  /** Of a manifest that one program wrote. */
  readonly torch?: string
  readonly files: readonly { readonly file: string; readonly maker?: string }[]
}

/** How many files each format has of each maker, as lines of the table in docs/formats.md. */
function linesOf(format: string, paths: readonly string[]): string[] {
  const counts = new Map<string, number>()
  for (const path of paths) {
    const { torch, files }: Manifest = JSON.parse(readFileSync(join(FIXTURES, path), 'utf8'))
    for (const { maker = `torch ${torch}` } of files) {
      const name = maker.replace(/\+cpu/, '')
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
  }
  return [...counts].map(([maker, count]) => `| ${format} | ${maker} | ${count} | `)
}

test('the table of files that were tested counts them', () => {
  const docs = readFileSync(join(FIXTURES, '../../docs/formats.md'), 'utf8')
  const lines = [
    ...linesOf('`.pth`', ['torch/manifest-torch-1.13.1.json', 'torch/manifest-torch-2.13.0.json']),
    ...linesOf('`.pt`', ['pt/manifest.json']),
    ...linesOf('`.npy`', ['npy/manifest.json']),
    ...linesOf('`.npz`', ['npz/manifest.json']),
    ...linesOf('`.safetensors`', ['safetensors/manifest.json']),
    ...linesOf('`.pb`', ['onnx/manifest.json']),
  ]
  expect(lines.length).toBeGreaterThan(8)
  expect(lines.filter((line) => !docs.includes(`\n${line}`))).toEqual([])
})
