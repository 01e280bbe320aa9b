import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { JEST, VITEST } from './project.js'

const EXAMPLES = join(import.meta.dirname, '../../examples')

test.each([
  ['vitest', [VITEST, 'run'], /Tests {2}1 failed \| 1 passed/],
  ['jest', [JEST], /Tests: +1 failed, 1 passed, 2 total/],
])('the example for %s: one build passes, the degraded one fails at token 3', (name, args, counts) => {
  const cwd = join(EXAMPLES, name)
  const { GOLDEN_LOGITS_RUN_DIR: _, FORCE_COLOR: __, ...env } = process.env
  const run = spawnSync(process.execPath, args, { cwd, encoding: 'utf8', env: { ...env, NO_COLOR: '1' } })
  const output = `${run.stdout}${run.stderr}`
  const [report] = /msit_cmp_report_\d{14}(?:_\d+)?\.csv/.exec(output) ?? []
  rmSync(join(cwd, 'golden-logits-report'), { recursive: true, force: true })
  expect(run.status).toBe(1)
  expect(output).toMatch(counts)
  expect(output).toContain('First token over threshold: token 3     (12 tokens compared, 1 over, 0 missing)')
  expect(output).toMatch(/cosine similarity {3}0\.975\d+ +must be > 0\.999/)
  expect(output).toMatch(/KL divergence {7}19\.49\d+ +must be < 0\.005 \(bf16\)/)
  expect(output).toContain(`${report} (24 rows, 1 failed)`)
})
