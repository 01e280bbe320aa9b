import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { createKernel } from '../../src/metrics/row-kernel.js'
import { builtDist } from '../io/built.js'

test.each([
  [undefined, 'wasm'],
  ['', 'wasm'],
  ['auto', 'wasm'],
  ['wasm', 'wasm'],
  ['typescript', 'typescript'],
])('GOLDEN_LOGITS_KERNEL=%s takes the %s kernel', (choice, name) => {
  expect(createKernel(choice).name).toBe(name)
})

test('another choice is refused', () => {
  expect(() => createKernel('cuda')).toThrow(
    expect.objectContaining({
      code: 'invalid-argument',
      message: `GOLDEN_LOGITS_KERNEL is 'cuda', expected auto, wasm or typescript`,
    }),
  )
})

describe('the built package', () => {
  const kernelFile = (half: string) => join(builtDist(), half, 'metrics/row-kernel.js')
  const report = `
    const kernel = rowKernel()
    const { golden, dump } = kernel.reserve(8, 8)
    golden.set(new Uint8Array(Float32Array.of(1, 2).buffer))
    dump.set(new Uint8Array(Float32Array.of(1, 3).buffer))
    console.log(kernel.name, kernel.compare('float32', 'float32', 2).metrics.maxAbsoluteError)`
  const halves = [
    [
      'esm',
      ['--input-type=module', '-e'],
      `import { rowKernel } from ${JSON.stringify(pathToFileURL(kernelFile('esm')))};`,
    ],
    ['cjs', ['-e'], `const { rowKernel } = require(${JSON.stringify(kernelFile('cjs'))});`],
  ] as const

  test.each(halves)('compares in WebAssembly where there is some, in TypeScript elsewhere (%s)', (_, args, load) => {
    const run = (flags: string[], env: NodeJS.ProcessEnv) =>
      execFileSync(process.execPath, [...flags, ...args, load + report], {
        encoding: 'utf8',
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim()
    expect(run([], {})).toBe('wasm 1')
    expect(run(['--jitless'], {})).toBe('typescript 1')
    expect(run([], { GOLDEN_LOGITS_KERNEL: 'typescript' })).toBe('typescript 1')
  })
})

test('the module in the source is what kernel/ compiles to', () => {
  const root = join(import.meta.dirname, '../..')
  const script = join(root, 'scripts/build-kernel.mjs')
  expect(execFileSync(process.execPath, [script, '--check'], { cwd: root, encoding: 'utf8' })).toBe('')
})
