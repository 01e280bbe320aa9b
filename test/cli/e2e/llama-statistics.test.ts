import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { writeTree } from '../../build/tree.js'

const KLD = 'test/fixtures/kld'
const NAME = 'q8_0-against-f32.txt'
const printed = readFileSync(join(KLD, `wide-${NAME}`), 'utf8')

/** Runs the script that puts what llama-perplexity printed beside what the product computes. */
function statistics(text: string) {
  const base = (build: string) => gunzipSync(readFileSync(join(KLD, `wide-${build}.kld.gz`)))
  const folder = writeTree({ 'f32.kld': base('f32'), 'q8_0.kld': base('q8_0'), [NAME]: text })
  const script = 'scripts/llama-statistics.mjs'
  return spawnSync(process.execPath, [script, folder, 'q8_0'], { encoding: 'utf8' })
}

test('mean, error, maximum, percentiles, Δp, RMS Δp and top-1 agree with what llama-perplexity printed', () => {
  const { stdout, status } = statistics(printed)
  expect(stdout).toContain('all agree')
  expect(status).toBe(0)
  for (const name of [
    'Mean    KLD',
    'Maximum KLD',
    '99.9%   KLD',
    'Median  KLD',
    'Same top p',
    'Mean    Δp',
    'RMS Δp',
  ]) {
    expect(stdout).toContain(`| ${name} | `)
  }
})

test.each([
  ['Mean    KLD:   0.008343', 'Mean    KLD:   0.008363'],
  ['99.0%   KLD:   0.048230', '99.0%   KLD:   0.048430'],
  ['RMS Δp    :  0.032', 'RMS Δp    :  0.036'],
  ['Same top p: 93.548', 'Same top p: 93.011'],
])('other numbers do not agree: %s', (found, other) => {
  expect(printed).toContain(found)
  const { stdout, status } = statistics(printed.replace(found, other))
  expect(stdout).toContain('some do not agree')
  expect(status).toBe(1)
})
