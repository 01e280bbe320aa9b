import { expect, test } from 'vitest'
import { foldWarnings } from '../../src/reporters/fold-warnings.js'

const place = { file: 'a.test.ts', test: 'gate' }

test('warnings that differ only in their numbers share a line', () => {
  const texts = [
    'tokens 0 to 3 and 7: golden: x',
    'token 5: golden: x',
    'token 5: dump: x',
    'neither side has token 12',
  ]
  expect(foldWarnings(texts.map((text) => ({ text, ...place })))).toEqual([
    'tokens 0 to 3 and 7: golden: x (a.test.ts: gate, and 1 more like it)',
    'token 5: dump: x (a.test.ts: gate)',
    'neither side has token 12 (a.test.ts: gate)',
  ])
})

test('there are at most ten lines, and a last one that counts the others', () => {
  const warnings = Array.from('abcdefghijklm', (text) => ({ text, ...place }))
  const lines = foldWarnings(warnings)
  expect(lines).toHaveLength(11)
  expect(lines.at(-1)).toBe('and 3 more; the CSV has all of them')
  expect(foldWarnings(warnings.slice(0, 10))).toHaveLength(10)
})

test('names of a file or a test cannot forge a line', () => {
  expect(foldWarnings([{ text: 'x\ny', file: 'a\n', test: '\u001b[1m' }])[0]).not.toMatch(/[\n\u001b]/)
})
