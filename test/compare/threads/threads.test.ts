import { describe, expect, test } from 'vitest'
import { compareInChild, faultyPackage } from './faulty-package.js'

describe.concurrent('a comparison is the same on any number of threads', () => {
  test.each([
    ...[2, 3, 4].map((threads) => ({ threads, half: 'cjs' })),
    { threads: 3, half: 'esm' },
    { threads: 2, half: 'cjs', options: { vocabSize: 90, dtype: 'fp16' } },
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
    ['meets errors that are none of a file', 'own errors', {}],
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
