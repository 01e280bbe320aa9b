import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'rolldown'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CHILD, faultyPackage } from '../../measure/threads/faulty-package.js'
import type { Settings } from './child/snapshots.js'

const bundle = mkdtempSync(join(tmpdir(), 'golden-logits-child-'))
afterAll(() => rmSync(bundle, { recursive: true, force: true }))

beforeAll(async () => {
  await build({
    input: join(import.meta.dirname, 'child/snapshots.ts'),
    platform: 'node',
    external: ['fflate', 'glob'],
    output: { dir: bundle, format: 'esm', entryFileNames: '[name].mjs' },
  })
})

interface Found {
  same: number
  different: number
  marks: number
  after: boolean
  /** `snapshot`, or why none was written. */
  written: unknown
  counts?: Record<string, number>
}

/** Runs the child in a separate process, which must end by itself, with workers that suffer the fault. */
async function snapshotsInChild(
  fault: string,
  settings: Partial<Settings>,
  flags: string[] = [],
  env: object = {},
): Promise<Found> {
  const { root } = faultyPackage(fault, 1, 'snapshots/worker')
  cpSync(bundle, join(root, 'dist/child'), { recursive: true })
  const all = { threads: 2, helpers: CHILD, ...settings }
  const args = [...flags, join(root, 'dist/child/snapshots.mjs'), root, JSON.stringify(all)]
  const options = { timeout: 100_000, env: { ...process.env, VITEST_POOL_ID: undefined, ...env } }
  const { stdout } = await promisify(execFile)(process.execPath, args, options)
  return JSON.parse(stdout) as Found
}

describe.concurrent('compact snapshots are the same on any number of threads', () => {
  test.each([
    { threads: 2 },
    { threads: 3, marks: 2 },
    { threads: 2, options: { vocabSize: 90, thresholds: { klDivergence: 0.5 } } },
  ])('%j', async (settings) => {
    const found = await snapshotsInChild('none', settings)
    expect(found).toMatchObject({ different: 0, marks: settings.marks ?? 1, after: true, written: 'snapshot' })
    expect(found.same).toBeGreaterThan(0)
  })

  test('every kind of verdict is among them', async () => {
    const { counts } = await snapshotsInChild('none', {})
    expect(counts).toMatchObject({ compared: expect.any(Number), unreadable: expect.any(Number) })
    expect(Object.values(counts!).filter((count) => count > 0).length).toBeGreaterThan(3)
  })

  test.each(['typescript', 'wasm'])("the kernel %s is the workers' too", async (kernel) => {
    const kinds = [['long', 'long-noisy']] as const
    const found = await snapshotsInChild('none', { kinds }, [], { GOLDEN_LOGITS_KERNEL: kernel })
    expect(found).toMatchObject({ different: 0, marks: 1, after: true, written: 'snapshot' })
  })
})

describe.concurrent('nothing that befalls a worker changes or stops a snapshot', () => {
  test.each([
    ['ends while it holds rows', 'exit'],
    ['dies of an error while it holds rows', 'throw'],
    ['sleeps for good', 'wedge'],
    ['stops for longer than it is waited for', 'stop'],
    ['reports nothing', 'no report'],
    ['never starts', 'never starts'],
    ['fails to start', 'fails to start'],
  ])('a worker that %s', async (_, fault) => {
    const found = await snapshotsInChild(fault, {})
    expect(found).toMatchObject({ different: 0, after: true, written: 'snapshot' })
    expect(found.marks).toBeGreaterThan(0)
  })
})

describe.concurrent('what one thread reports, several report', () => {
  /** 150 pairs, of which some are of another kind. */
  const except = (others: Record<number, string>) =>
    Array.from({ length: 150 }, (_, i) => [others[i] ?? 'plain', 'noisy'] as const)

  test('a file that has vanished: the snapshot is not written, for the same reason', async () => {
    const kinds = except({ 80: 'bf16' })
    const found = await snapshotsInChild('none', { kinds, vanish: 'bf16.bin' })
    expect(found).toMatchObject({ different: 0, marks: 1, after: true })
    expect(found.written).toMatchObject({ kind: 'refused', step: 80, reason: expect.stringContaining('bf16.bin') })
  })

  test('a vanished file of the dump that is checked fails its token', async () => {
    const kinds = Array.from({ length: 150 }, (_, i) => ['plain', i === 80 ? 'bf16' : 'noisy'] as const)
    const found = await snapshotsInChild('none', { kinds, vanish: 'bf16.bin' })
    expect(found).toMatchObject({ different: 0, marks: 1, after: true, written: 'snapshot', counts: { unreadable: 1 } })
  })

  test('of two rows that cannot be stored the first one is named', async () => {
    const found = await snapshotsInChild('none', { kinds: except({ 70: 'nan', 71: 'cut', 120: 'empty' }) })
    expect(found).toMatchObject({ different: 0, marks: 1, after: true })
    expect(found.written).toMatchObject({ kind: 'refused', step: 70, reason: expect.stringContaining('NaN') })
  })
})
