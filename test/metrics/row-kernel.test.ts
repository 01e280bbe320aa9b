import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { createKernel } from '../../src/metrics/row-kernel.js'
import { bundled } from '../build/bundled.js'
import { builtDist } from '../io/built.js'

test.each([
  [undefined, 'wasm'],
  ['', 'wasm'],
  ['auto', 'wasm'],
  ['wasm', 'wasm'],
  ['typescript', 'typescript'],
])('GOLDEN_LOGITS_KERNEL=%s selects the %s kernel', (choice, name) => {
  expect(createKernel(choice).name).toBe(name)
})

test('any other choice is refused', () => {
  expect(() => createKernel('cuda')).toThrow(
    expect.objectContaining({
      code: 'invalid-argument',
      message: `GOLDEN_LOGITS_KERNEL is 'cuda', expected auto, wasm or typescript`,
    }),
  )
})

/** The output of a script in a new process. */
function printed(script: string, flags: string[], env: NodeJS.ProcessEnv = {}): string {
  return execFileSync(process.execPath, [...flags, '-e', script], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim()
}

test('a process uses WebAssembly if available, otherwise TypeScript', async () => {
  const script = `
    const kernel = require(${JSON.stringify(await bundled('metrics/row-kernel'))}).rowKernel()
    const { golden, dump } = kernel.reserve(8, 8)
    golden.set(new Uint8Array(Float32Array.of(1, 2).buffer))
    dump.set(new Uint8Array(Float32Array.of(1, 3).buffer))
    console.log(kernel.name, kernel.compare('float32', 'float32', 2).metrics.maxAbsoluteError)`
  expect(printed(script, [])).toBe('wasm 1')
  expect(printed(script, ['--jitless'])).toBe('typescript 1')
  expect(printed(script, [], { GOLDEN_LOGITS_KERNEL: 'typescript' })).toBe('typescript 1')
})

test.each(['esm', 'cjs'])('the %s build compares with and without WebAssembly', (half) => {
  const dumps = join(import.meta.dirname, '../../examples/dumps')
  const script = `
    import(${JSON.stringify(pathToFileURL(join(builtDist(), half, 'index.js')))}).then(({ compareDumps }) => {
      const [good, bad] = ['npu', 'npu-degraded'].map((name) => ${JSON.stringify(`${dumps}/`)} + name)
      const results = [good, bad].map((dump) => compareDumps(dump, ${JSON.stringify(join(dumps, 'gpu'))}))
      console.log(results.map(({ pass, firstFailure }) => pass || firstFailure.step).join(' '))
    })`
  for (const flags of [[], ['--jitless']]) expect(printed(script, flags)).toBe('true 3')
})

test('the generated module is up to date with kernel/', () => {
  const root = join(import.meta.dirname, '../..')
  const script = join(root, 'scripts/build-kernel.mjs')
  expect(execFileSync(process.execPath, [script, '--check'], { cwd: root, encoding: 'utf8' })).toBe('')
})
