import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compareInChild, faultyPackage } from './faulty-package.js'

describe.concurrent('a comparison is the same on any number of threads', () => {
  test.each([
    ...[2, 3, 4].map((threads) => ({ threads, half: 'cjs' })),
    { threads: 3, half: 'esm' },
    { threads: 2, half: 'cjs', options: { vocabSize: 90, dtype: 'fp16' } },
    {
      threads: 2,
      half: 'cjs',
      rows: { positions: 'all' },
      kinds: [
        ['prompt', 'prompt'],
        ['prompt', 'prompt-noisy'],
        ['plain', 'noisy'],
        ['prompt', 'plain'],
      ],
    },
    {
      threads: 2,
      half: 'cjs',
      kinds: [
        ['bf16', 'bf16'],
        ['bf16', 'bf16-noisy'],
        ['log-probabilities', 'bf16'],
        ['log-probabilities', 'log-probabilities'],
      ],
    },
  ])('%j', async (settings) => {
    const found = await compareInChild(faultyPackage('none').root, { ...settings, marks: settings.threads - 1 })
    expect(found).toMatchObject({ different: 0, marks: settings.threads - 1, after: true })
    expect(found.same).toBeGreaterThan(0)
  })
})

describe.concurrent('nothing that befalls a worker changes or stops a comparison', () => {
  test.each([
    ['ends while it holds pairs', 'exit', {}],
    ['dies of an error while it holds pairs', 'throw', {}],
    ['runs out of memory', 'exhaust', { heap: 30 }],
    ['sleeps for good', 'wedge', {}],
    ['turns in a circle', 'spin', {}],
    ['stops for longer than it is waited for', 'stop', {}],
    ['wakes nobody', 'no wake-up', {}],
    ['reports nothing', 'no report', {}],
    ['meets errors that do not come from a file', 'own errors', {}],
    ['never starts', 'never starts', {}],
    ['starts when all is done', 'late', {}],
    ['fails to start', 'fails to start', {}],
    ['does not end by itself', 'stays', {}],
  ])('a worker that %s', async (_, fault, settings) => {
    const found = await compareInChild(faultyPackage(fault).root, { threads: 2, ...settings })
    expect(found).toMatchObject({ different: 0, marks: 1, after: true })
    expect(found.same).toBeGreaterThan(0)
  })
})

describe.concurrent('the process around it', () => {
  test('a comparison in a worker thread has its own workers', async () => {
    const found = await compareInChild(faultyPackage('none').root, { threads: 3, marks: 2, nested: true })
    expect(found).toMatchObject({ different: 0, marks: 2, after: true })
  })

  test.each(['none', 'spin', 'wedge'])('a thread that is terminated while it compares ends (%s)', async (fault) => {
    // The workers measure at leisure, so that the comparison is under way for long.
    const found = await compareInChild(faultyPackage(fault, 20).root, { threads: 2, nested: 'terminate', steps: 2000 })
    expect(found).toEqual({ marks: 1 })
  })

  test.each(['none', 'spin', 'wedge', 'exit'])('process.exit ends it while workers are at work (%s)', async (fault) => {
    const { root } = faultyPackage(fault, 20)
    const end = await compareInChild(root, { threads: 2, exit: 7, steps: 2000 }).catch((error) => error)
    expect(end).toMatchObject({ code: 7, killed: false })
  })

  test('clocks that stand still', async () => {
    const found = await compareInChild(faultyPackage('wedge').root, { threads: 2, stopped: true })
    expect(found).toMatchObject({ different: 0, marks: 1, after: true })
  })

  test('workers that the process may not have', async () => {
    const permission = process.allowedNodeEnvironmentFlags.has('--permission')
      ? '--permission'
      : '--experimental-permission'
    const flags = [permission, '--allow-fs-read=*', '--allow-fs-write=*']
    const found = await compareInChild(faultyPackage('none').root, { threads: 2, rounds: 2 }, flags)
    expect(found).toMatchObject({ same: 2, different: 0, marks: 0, after: true })
  })

  test('a package without the file of its workers', async () => {
    const { root } = faultyPackage('none')
    rmSync(join(root, 'dist/cjs/measure/threads/worker.js'))
    const found = await compareInChild(root, { threads: 2, rounds: 2 })
    expect(found).toMatchObject({ same: 2, different: 0, marks: 0, after: true })
  })

  test.each(['typescript', 'wasm'])("the kernel %s is the workers' too", async (kernel) => {
    const settings = {
      threads: 2,
      kinds: [
        ['long', 'long-noisy'],
        ['long-noisy', 'long'],
      ],
    }
    const found = await compareInChild(faultyPackage('none').root, settings, [], { GOLDEN_LOGITS_KERNEL: kernel })
    expect(found).toMatchObject({ different: 0, marks: 1, after: true })
  })

  test('without WebAssembly', async () => {
    const found = await compareInChild(faultyPackage('none').root, { threads: 2 }, ['--jitless'])
    expect(found).toMatchObject({ different: 0, marks: 1, after: true })
  })

  test.each(['1', '3'])('GOLDEN_LOGITS_THREADS=%s', async (count) => {
    const marks = Number(count) - 1
    const settings = { marks: Math.max(1, marks), rounds: marks === 0 ? 3 : 10 }
    const found = await compareInChild(faultyPackage('none').root, settings, [], { GOLDEN_LOGITS_THREADS: count })
    expect(found).toMatchObject({ different: 0, marks, after: true })
  })
})

test.each([
  ['first', [70, 120], 1],
  ['second', [120, 70], 2],
])('of two errors the one of the earlier token is thrown, as by one thread: the %s', async (_, [one, two], which) => {
  const kinds = Array.from({ length: 150 }, (_, i) => {
    return ['plain', i === one ? 'raises-1' : i === two ? 'raises-2' : 'noisy']
  })
  const found = await compareInChild(faultyPackage('raises').root, {
    threads: 3,
    kinds,
    raises: true,
    rounds: 5,
    marks: 9,
  })
  expect(found).toMatchObject({ same: 5, different: 0, error: `RangeError: thrown for ${which}.bin`, after: true })
  expect(found.marks).toBeGreaterThan(0)
})
