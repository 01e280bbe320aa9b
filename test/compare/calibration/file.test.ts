import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readCalibration } from '../../../src/compare/calibration/file.js'
import { calibrationText } from '../../../src/compare/calibration/text.js'
import type { Calibration } from '../../../src/compare/calibration/types.js'
import { expectRefusal } from '../../formats/build/refusal.js'

const dir = mkdtempSync(join(tmpdir(), 'golden-logits-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const CALIBRATION: Calibration = {
  format: 'golden-logits-calibration',
  version: 1,
  model: 'toy',
  dtype: 'bf16',
  golden: 'fp32',
  tensorParallel: 2,
  device: 'npu',
  measured: '2 accepted dumps against the golden',
  tokens: 646,
  spread: { klDivergence: { median: 0.001, p90: 0.003, p99: 0.007, max: 0.013, tail: 0.03, tailTokens: 65 } },
  tokenLimits: {
    klDivergence: { limit: 0.03, reason: 'the tail' },
    cosineSimilarity: { limit: 0.99, reason: 'the tail' },
  },
  runLimits: { meanKl: { limit: 0.002, reason: '4 standard errors' } },
  runTokens: 32,
  notes: ['a note'],
}

let number = 0
function written(text: string | Uint8Array): string {
  const path = join(dir, `${number++}.json`)
  writeFileSync(path, text)
  return path
}

const changed = (change: object) => JSON.stringify({ ...CALIBRATION, ...change })

test('a file that was written is read', () => {
  expect(readCalibration(written(calibrationText(CALIBRATION)))).toEqual(CALIBRATION)
  expect(readCalibration(written(JSON.stringify(CALIBRATION)))).toEqual(CALIBRATION)
  const bare = { ...CALIBRATION, spread: {}, tokenLimits: {}, runLimits: {}, notes: [] }
  expect(readCalibration(written(calibrationText(bare)))).toEqual(bare)
})

describe('a file that is not as it was written is refused with one error', () => {
  const limit = (value: unknown) => ({ tokenLimits: { klDivergence: { limit: value, reason: 'x' } } })
  test.each<[string, string]>([
    ['', 'is no JSON: was it cut off, or left with a merge conflict?'],
    [calibrationText(CALIBRATION).slice(0, -20), 'is no JSON: was it cut off'],
    [`<<<<<<< HEAD\n${calibrationText(CALIBRATION)}`, 'is no JSON'],
    ['[]', 'is no calibration: expected an object with "format": "golden-logits-calibration"'],
    ['null', 'is no calibration'],
    ['{"format":"golden-logits-report","version":1}', 'is no calibration'],
    [changed({ version: 2 }), 'has version 2, and this version of golden-logits reads 1'],
    [changed({ version: '1' }), 'has version a text of 1 characters, and this version'],
    [changed({ limits: {} }), "the calibration has an unknown key 'limits'"],
    [changed({ dtype: 'int8' }), "dtype must be bf16, fp16, fp32, got 'int8'"],
    [changed({ golden: null }), 'golden must be bf16, fp16, fp32, got null'],
    [changed({ model: '' }), 'model must be a text of 1 to 1000 characters, got an empty text'],
    [changed({ model: 5 }), 'model must be a text of 1 to 1000 characters, got a number'],
    [
      changed({ device: 'x'.repeat(1001) }),
      'device must be a text of 1 to 1000 characters, got a text of 1001 characters',
    ],
    [changed({ tensorParallel: 1.5 }), 'tensorParallel must be a number from 1, without fraction, got 1.5'],
    [changed({ tokens: -3 }), 'tokens must be a number from 1, without fraction, got -3'],
    [changed(limit(0)), 'tokenLimits.klDivergence.limit must be a number above 0, got 0'],
    [changed(limit('0.1')), 'tokenLimits.klDivergence.limit must be a number above 0, got a text of 3 characters'],
    [changed(limit(null)), 'tokenLimits.klDivergence.limit must be a number above 0, got null'],
    [changed({}).replace('"limit":0.03', '"limit":1e999'), 'limit must be a number above 0, got Infinity'],
    [
      changed({ tokenLimits: { cosineSimilarity: { limit: 1, reason: 'x' } } }),
      'tokenLimits.cosineSimilarity.limit must be a number in [-1, 1), got 1',
    ],
    [changed({ tokenLimits: { kl: { limit: 1, reason: 'x' } } }), "tokenLimits has an unknown key 'kl'"],
    [changed({ runLimits: { p99Kl: { limit: 1, reason: 'x' } } }), "runLimits has an unknown key 'p99Kl'"],
    [changed({ runLimits: { meanKl: { limit: 1 } } }), 'runLimits.meanKl.reason must be a text'],
    [changed({ runLimits: { meanKl: 0.1 } }), 'runLimits.meanKl must be an object, got a number'],
    [
      changed({ spread: { klDivergence: { median: 1 } } }),
      'spread.klDivergence.p90 must be a number from 0, got nothing',
    ],
    [changed({ spread: [] }), 'spread must be an object, got a list'],
    [changed({ notes: 'x' }), 'notes must be a list of at most 100 texts'],
    [changed({ notes: Array(101).fill('x') }), 'notes must be a list of at most 100 texts'],
    [changed({ notes: [1] }), 'notes[0] must be a text of 1 to 1000 characters, got a number'],
    [changed({}).replace('{', '{"__proto__":{"x":1},'), "the calibration has an unknown key '__proto__'"],
    [changed({}).replace('{', '{"model":"other",'), 'has the key "model" twice'],
    [
      changed({ runLimits: { meanKl: { limit: 1, reason: 'x' } } }).replace('"limit":', '"limit":9,"limit":'),
      'has the key "limit" twice',
    ],
    ['['.repeat(200_000), 'is no JSON'],
    [`${changed({})}${' '.repeat(300_000)}`, 'bytes, and a calibration at most 262144: is this another file?'],
  ])('%.60s', (text, message) => {
    const path = written(text)
    expectRefusal(() => readCalibration(path), 'bad-calibration', message, path)
  })

  test('bytes that are no text', () => {
    const path = written(Uint8Array.from({ length: 1000 }, (_, i) => i))
    expectRefusal(() => readCalibration(path), 'bad-calibration', 'is no JSON', path)
  })

  test('no file at all', () => {
    const path = join(dir, 'none.json')
    expectRefusal(() => readCalibration(path), 'file-not-found', 'there is no such file', path)
  })
})
