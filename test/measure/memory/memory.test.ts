import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { builtDist } from '../../io/built.js'

const folder = mkdtempSync(join(tmpdir(), 'golden-logits-memory-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** By how many MB a comparison raises the peak memory of a separate process. */
function raisedBy(tokens: number, threads: number): number {
  // V8 lets its room for young objects grow to 48 MB, whether they are garbage or not: here it may not.
  const args = ['--max-semi-space-size=1', join(import.meta.dirname, 'peak.cjs'), builtDist(), folder]
  const env = { ...process.env, VITEST_POOL_ID: undefined }
  const out = execFileSync(process.execPath, [...args, `${tokens}`, `${threads}`], { encoding: 'utf8', env })
  const { compared, started, messages, raised } = JSON.parse(out)
  // One step in 50 has a problem instead of a row. Records of numbers need no messages.
  expect({ compared, started, messages }).toEqual({ compared: 0.98 * tokens, started: threads - 1, messages: 0 })
  return raised
}

// As objects, 20,000 tokens are some 30 MB; their records and noise are 3.4 MB, and the code that is loaded is the rest.
test.each([
  [1, 24],
  [2, 40],
])(
  '20,000 tokens on %i threads raise the memory by less than %i MB, and by hardly more than 2,000',
  (threads, most) => {
    const [few, many] = [raisedBy(2000, threads), raisedBy(20_000, threads)]
    expect(many).toBeLessThan(most)
    expect(many - few).toBeLessThan(14)
  },
)
