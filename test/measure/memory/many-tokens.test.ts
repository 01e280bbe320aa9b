import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
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

// As rows in memory 200,000 tokens are 29 MB, and as lists of steps another 20.
test.each([
  [1, 16],
  [2, 16_384],
])('200,000 tokens on %i threads take hardly more memory than 2,000', (threads, width) => {
  const [few, many] = [2000, 200_000].map((tokens) => compared({ tokens, threads, width }))
  expect(many).toMatchObject({ counts: { total: 200_000, compared: 200_000 }, started: threads - 1 })
  expect(many.raised - few.raised).toBeLessThan(14)
})

test('the same with the rows of a reporter', () => {
  const [few, many] = [2000, 100_000].map((tokens) => {
    const runDir = mkdtempSync(join(folder, 'run-'))
    const found = compared({ tokens, threads: 1, matcher: true }, { GOLDEN_LOGITS_RUN_DIR: runDir })
    const [spool] = readdirSync(runDir)
    return { ...found, bytes: statSync(join(runDir, spool!)).size }
  })
  expect(many).toMatchObject({ pass: true })
  expect(many.bytes).toBeGreaterThan(400 * 100_000)
  expect(many.raised - few.raised).toBeLessThan(14)
})

describe('tokens are the same wherever their rows are kept', () => {
  test.each([1, 2])('on %i threads', (threads) => {
    const settings = { tokens: 40_000, threads, lacks: 20, width: threads === 1 ? 16 : 16_384 }
    const { raised: _, ...file } = compared(settings)
    const { raised: __, ...memory } = compared(settings, { TMPDIR: join(folder, 'absent') })
    expect(file).toMatchObject({ counts: { total: 40_000, unreadable: 2000 } })
    expect(memory).toEqual(file)
  })
})
