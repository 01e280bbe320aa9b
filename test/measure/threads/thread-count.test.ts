import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { compareDumps, GoldenLogitsError } from '../../../src/index.js'
import { threadCount as countOf } from '../../../src/measure/threads/thread-count.js'
import { tree } from '../../fixtures/trees.js'

const machine = vi.hoisted(() => ({ processors: 8, isMainThread: true }))
vi.mock('node:os', async (original) => ({
  ...(await original<typeof import('node:os')>()),
  availableParallelism: () => machine.processors,
}))
vi.mock('node:worker_threads', async (original) => ({
  ...(await original<typeof import('node:worker_threads')>()),
  get isMainThread() {
    return machine.isMainThread
  },
}))

const RUNNER = ['VITEST_POOL_ID', 'VITEST_MAX_WORKERS', 'JEST_WORKER_ID', 'GOLDEN_LOGITS_THREADS'] as const
// The state that Vitest really has.
const vitest = (globalThis as { __vitest_worker__?: { config: { maxWorkers?: number } } }).__vitest_worker__!.config
const { maxWorkers } = vitest
const { connected } = process

let isConnected = false

/** Vitest sends by this connection between two calls: it counts as cut only during one. */
function threadCount(option: number | undefined): number {
  process.connected = isConnected
  try {
    return countOf(option)
  } finally {
    process.connected = connected
  }
}

/** @param parent is there a process that this one is connected to, as workers are? */
function within(processors: number, env: Partial<Record<(typeof RUNNER)[number], string>>, parent = false): void {
  machine.processors = processors
  for (const name of RUNNER) vi.stubEnv(name, env[name])
  isConnected = parent
}

beforeEach(() => {
  machine.isMainThread = true
  vitest.maxWorkers = undefined
})

afterEach(() => {
  vitest.maxWorkers = maxWorkers
  vi.unstubAllEnvs()
})

test.each([
  [1, 1],
  [2, 2],
  [6, 6],
  [64, 8],
])('a separate process on %d processors takes %d threads', (processors, threads) => {
  within(processors, {})
  expect(threadCount(undefined)).toBe(threads)
})

test('a worker thread that is no test worker takes one, since it may be one of many', () => {
  within(8, {})
  machine.isMainThread = false
  expect(threadCount(undefined)).toBe(1)
})

test.each([
  ['one worker is all that 2 processors get by default', 2, { VITEST_POOL_ID: '1' }, undefined, 2],
  ['7 workers share 8 processors by default', 8, { VITEST_POOL_ID: '1' }, undefined, 1],
  ['two workers share 2 processors', 2, { VITEST_POOL_ID: '1' }, 2, 1],
  ['two workers share 8 processors', 8, { VITEST_POOL_ID: '2' }, 2, 4],
  ['three workers share 8 processors, rounded down', 8, { VITEST_POOL_ID: '2', VITEST_MAX_WORKERS: '3' }, undefined, 2],
  ['the fourth worker shares with three others', 8, { VITEST_POOL_ID: '4' }, 2, 2],
  ['more workers than processors', 2, { VITEST_POOL_ID: '5' }, 8, 1],
])('Vitest: %s', (_, processors, env, most, threads) => {
  within(processors, env)
  vitest.maxWorkers = most
  expect(threadCount(undefined)).toBe(threads)
  machine.isMainThread = false
  expect(threadCount(undefined)).toBe(threads)
})

test.each([
  ['in band', 8, { JEST_WORKER_ID: '1' }, false, true, 8],
  ['a worker process', 8, { JEST_WORKER_ID: '1' }, true, true, 1],
  ['the first worker process of 2 processors', 2, { JEST_WORKER_ID: '1' }, true, true, 1],
  ['the second worker process of 2 processors', 2, { JEST_WORKER_ID: '2' }, true, true, 1],
  ['a worker thread', 8, { JEST_WORKER_ID: '1' }, false, false, 1],
])('Jest: %s', (_, processors, env, parent, isMainThread, threads) => {
  within(processors, env, parent)
  machine.isMainThread = isMainThread
  expect(threadCount(undefined)).toBe(threads)
})

test('the option counts before the variable, and the variable before the share', () => {
  within(8, { VITEST_POOL_ID: '1', GOLDEN_LOGITS_THREADS: '12' })
  expect(threadCount(3)).toBe(3)
  expect(threadCount(undefined)).toBe(12)
  within(8, { GOLDEN_LOGITS_THREADS: '' })
  expect(threadCount(undefined)).toBe(8)
})

test.each(['0', '65', '-1', '1.5', ' 2', '2x', 'auto', '1e1'])('GOLDEN_LOGITS_THREADS=%j is refused', (text) => {
  within(8, { GOLDEN_LOGITS_THREADS: text })
  let error: unknown
  try {
    compareDumps(tree('a_clean_f32_vs_f16', 'my'), tree('a_clean_f32_vs_f16', 'golden'))
  } catch (caught) {
    error = caught
  }
  expect(error).toBeInstanceOf(GoldenLogitsError)
  expect(error).toMatchObject({
    code: 'invalid-argument',
    message: `the environment variable GOLDEN_LOGITS_THREADS must be a whole number from 1 to 64, got '${text}'`,
  })
})
