import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Project, REPORTS } from './project.js'

/** One comparison of this many tokens, in memory, of which token 40,000 fails. */
const BODY = `import 'golden-logits/vitest'
import { logitsOf } from 'golden-logits'
import { expect, test } from 'vitest'

const row = (add) => Float32Array.from({ length: 8 }, (_, id) => 9 * Math.sin(id) + (id === 3 ? add : 0))
const rows = (add) => Array.from({ length: 50_001 }, (_, step) => row(step === 40_000 ? add : 0))
test('long', () => { expect(logitsOf(rows(20))).toMatchGoldenLogits(logitsOf(rows(0)), { dtype: 'bf16' }) })
`

function project(reporter: object): Project {
  const made = new Project('vitest')
  writeFileSync(made.path('long.test.mjs'), BODY)
  const config = { include: ['long.test.mjs'], testTimeout: 120_000 }
  const reporters = JSON.stringify([['golden-logits/reporter', reporter]])
  writeFileSync(
    made.path('vitest.config.mjs'),
    `export default { test: { ...${JSON.stringify(config)}, reporters: ${reporters} } }`,
  )
  return made
}

test('a run of more than 50,000 rows says which reports it leaves out, and makes those that are asked for', async () => {
  const silent = project({})
  const GITHUB_STEP_SUMMARY = silent.path('summary.md')
  const { code, stderr } = await silent.vitest([], { GITHUB_STEP_SUMMARY })
  expect(code).toBe(1)
  expect(stderr).toContain(
    "golden-logits: left out: the HTML report and the step summary, because the run has more than 50000 rows; the reporter's option html: true makes them\n",
  )
  expect(silent.report()).toHaveLength(50_001)
  expect([existsSync(silent.path(REPORTS, 'report.html')), existsSync(GITHUB_STEP_SUMMARY)]).toEqual([false, false])

  const asked = project({ html: true })
  const summary = asked.path('summary.md')
  const run = await asked.vitest([], { GITHUB_STEP_SUMMARY: summary })
  expect(run.stderr).not.toContain('left out')
  expect(readFileSync(summary, 'utf8')).toContain('| 40000: over-threshold |')
  const html = readFileSync(asked.path(REPORTS, 'report.html'), 'utf8')
  expect(html).toContain('First failing token: <strong>40000</strong>')
  expect(html.match(/<tr id="c0-t/g)).toHaveLength(5000)
})
