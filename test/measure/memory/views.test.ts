import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { builtDist } from '../../io/built.js'

test('1,000 steps that are views of one buffer are compared without a copy of it', () => {
  const args = ['--expose-gc', join(import.meta.dirname, 'views.cjs'), builtDist()]
  const result = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }))
  expect(result).toMatchObject({ counts: { total: 1000, compared: 1000, overThreshold: 1 }, firstFailure: 500 })
  // The two buffers are 244 MB.
  expect(Math.round(result.held)).toBe(244)
  expect(result.made.arrayBuffers).toBeLessThan(1)
  expect(result.made.rss).toBeLessThan(10)
  // Records of 150 bytes a token, and one pair of rows.
  expect(result.compared.arrayBuffers).toBeLessThan(2)
  expect(result.compared.rss).toBeLessThan(30)
})
