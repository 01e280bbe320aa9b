import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { tree } from '../../fixtures/trees.js'
import { Shell } from './cli.js'

const BAD = `-gp ${tree('b_token3_degraded', 'golden')} -mp ${tree('b_token3_degraded', 'my')}`

test('report renders a saved report, and judges it by other limits', () => {
  const shell = new Shell()
  expect(shell.run(`compare ${BAD} -o saved.json`).code).toBe(1)
  const html = shell.run('report saved.json')
  expect(html).toMatchObject({ code: 1, stderr: expect.stringContaining('report.html') })
  expect(readFileSync(shell.path('report.html'), 'utf8')).toContain('First failing token: <strong>3</strong>')
  expect(shell.run('report saved.json -kl 20 -cs 0.9 -o loose.md').code).toBe(0)
  expect(readFileSync(shell.path('loose.md'), 'utf8')).toContain('✅ all within the limits')
  expect(shell.run('report saved.json -o junit.xml').code).toBe(1)
  expect(readFileSync(shell.path('junit.xml'), 'utf8')).toContain('message="token 3: over-threshold"')
  const tight = shell.run('report saved.json --kl 0.0000001 --json')
  expect(tight.code).toBe(1)
  expect(JSON.parse(tight.stdout).comparisons[0].thresholds.klDivergence).toBe(1e-7)
  expect(shell.run('report saved.json -kl 1e300 -cs -1')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('thresholds gate nothing: klDivergence 1e+300'),
  })
})

test('report refuses what is no report', () => {
  const shell = new Shell()
  writeFileSync(shell.path('other.json'), '{}')
  expect(shell.run('report other.json')).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('other.json: it is not a report of golden-logits'),
  })
  expect(shell.run('report nothing.json').code).toBe(3)
  expect(shell.run('compare -o saved.json').code).toBe(2)
})
