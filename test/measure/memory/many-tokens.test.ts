import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { bundled } from '../../build/bundled.js'
import { builtDist } from '../../io/built.js'

const folder = mkdtempSync(join(tmpdir(), 'golden-logits-many-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

// Beside the half of the package that workers run.
const bundle = join(folder, 'bundle/listed.cjs')
cpSync(await bundled('../test/measure/memory/listed'), bundle)
cpSync(join(builtDist(), 'cjs'), join(folder, 'cjs'), { recursive: true })

interface Settings {
  tokens: number
  threads: number
  width?: number
  lacks?: number
  matcher?: boolean
}

function compared(settings: Settings, env: object = {}) {
  // As in the test beside this one: V8's room for young objects is not what is measured.
  const args = ['--max-semi-space-size=1', join(import.meta.dirname, 'many.cjs'), bundle, join(folder, 'dumps')]
  const options = { encoding: 'utf8' as const, env: { ...process.env, VITEST_POOL_ID: undefined, ...env } }
  return JSON.parse(execFileSync(process.execPath, [...args, JSON.stringify(settings)], options))
}

// A record takes 144 bytes, the noise of its token 24, and the list of steps nothing. What a thread has not yet collected
// differs from run to run, and what it keeps does not: one run within the limit proves it.
test.each([
  [1, 16, 300],
  [2, 4096, 300],
])('200,000 tokens on %i threads of width %i take at most %i bytes each', { retry: 1 }, (threads, width, bytes) => {
  // The few are enough for the second thread to start, whose own memory is not that of tokens.
  const [few, many] = [10_000, 200_000].map((tokens) => compared({ tokens, threads, width, matcher: true }))
  for (const { pass, started } of [few, many]) expect({ pass, started }).toEqual({ pass: true, started: threads - 1 })
  expect(many.raised - few.raised).toBeLessThan((190_000 * bytes) / 2 ** 20)
})

test('the same with the rows of a reporter', () => {
  const [few, many] = [2000, 100_000].map((tokens) => {
    const runDir = mkdtempSync(join(folder, 'run-'))
    const result = compared({ tokens, threads: 1, matcher: true }, { GOLDEN_LOGITS_RUN_DIR: runDir })
    const [spool] = readdirSync(runDir)
    return { ...result, bytes: statSync(join(runDir, spool!)).size }
  })
  expect(many).toMatchObject({ pass: true })
  expect(many.bytes).toBeGreaterThan(400 * 100_000)
  expect(many.raised - few.raised).toBeLessThan((98_000 * 330) / 2 ** 20)
})

test('tokens are the same on one thread and on two', () => {
  const results = [1, 2].map((threads) => {
    const { raised: _, started: __, ...result } = compared({ tokens: 40_000, threads, lacks: 20, width: 4096 })
    return result
  })
  expect(results[0]).toMatchObject({ counts: { total: 40_000, unreadable: 2000 } })
  expect(results[1]).toEqual(results[0])
})
