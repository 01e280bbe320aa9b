import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readKld, readKldRow } from '../../src/formats/kld.js'
import { type ErrorCode, loadDump } from '../../src/index.js'
import { DEFAULT_BUDGETS } from '../../src/io/budgets.js'
import { memorySource } from '../../src/io/memory-source.js'
import { kldBytes } from '../build/kld.js'
import { writeTree } from '../build/tree.js'
import { expectRefusal, FILE } from './build/refusal.js'

const REAL = readFileSync('test/fixtures/kld/narrow-f32.kld')

function load(bytes: Uint8Array, options = {}) {
  const file = join(writeTree({ 'base.kld': bytes }), 'base.kld')
  return { file, load: () => loadDump(file, options) }
}

function changed(change: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(REAL)
  change(new DataView(bytes.buffer))
  return bytes
}

test('a base file of llama-perplexity is a run of log-probabilities, with the text that it was fed', () => {
  const dump = load(REAL).load()
  expect(dump).toMatchObject({ layout: 'kld', kind: 'log-probabilities', text: { chunkLength: 64 } })
  expect(dump.steps.length).toBe(31)
  expect(dump.steps.at(30)).toMatchObject({ step: 30, position: 30 })
  expect(dump.text!.tokens.length).toBe(64)
  expect(load(REAL, { firstStep: 5 }).load().steps.at(0)!.step).toBe(5)
})

test('the content decides, not the name', () => {
  const root = writeTree({ 'logits.dat': REAL })
  expect(loadDump(join(root, 'logits.dat')).layout).toBe('kld')
})

test.each<[string, Uint8Array, ErrorCode, string]>([
  [
    'a run that was killed',
    REAL.subarray(0, REAL.length - 1),
    'bad-storage',
    'has 32267 bytes, but its header (context length 64, vocabulary size 512, 1 chunks) calls for 32268: the run that wrote it did not end; write it again',
  ],
  [
    'a file with more behind its rows',
    Buffer.concat([REAL, Buffer.from([0])]),
    'bad-storage',
    'calls for 32268: it is longer than that',
  ],
  [
    'a file that ends in its header',
    REAL.subarray(0, 19),
    'bad-header',
    'ends at byte 19, within its header of 20 bytes',
  ],
  ['a negative vocabulary', changed((view) => view.setInt32(12, -512, true)), 'bad-header', 'vocabulary size -512'],
  ['no chunk', changed((view) => view.setInt32(16, 0, true)), 'bad-header', '0 chunks: expected at least 3, 2 and 1'],
  [
    'a size that wraps in 32 bits',
    changed((view) => view.setInt32(16, 2 ** 24 + 1, true)),
    'limit-exceeded',
    'is over the budget elements',
  ],
  [
    'a size that wraps in 64 bits',
    changed((view) => view.setInt32(12, 2 ** 31 - 1, true)),
    'limit-exceeded',
    'vocabulary size of a .kld file: 2147483647 is over the budget elements',
  ],
  [
    'a token beyond the vocabulary',
    changed((view) => view.setInt32(24, 512, true)),
    'bad-header',
    'token 1 of its text is 512, expected an id from 0 to 511',
  ],
])('%s is one clear error', (_, bytes, code, words) => {
  const { file, load: read } = load(bytes)
  expectRefusal(read, code, words, file)
})

test('an option that chooses a tensor has no meaning', () => {
  expect(load(REAL, { positions: 'all' }).load).toThrow('the option positions has no meaning for a .kld file')
})

test('an odd vocabulary has one number of padding a row', () => {
  const rows = [[1, 2, 3]]
  const bytes = kldBytes({ contextLength: 3, tokens: [0, 1, 2], rows })
  // 20 + 3·4 + 2·(4 + 4), by the layout of llama.cpp.
  expect(bytes.length).toBe(48)
  expect(load(bytes).load().steps.length).toBe(1)
})

test.each(['_logit_s', '_logits'])('a file that begins with %s is no base file', (text) => {
  const read = () => readKld(memorySource(Buffer.from(text), FILE), DEFAULT_BUDGETS)
  expectRefusal(read, 'unsupported-format', 'is no base file of llama.cpp: expected _logits_ first')
})

/** Chunks of 5 tokens hold two rows each. */
const ROWS = [
  [1, 2, 3],
  [0, 0, 0],
  [-30, 0, 0.5],
  [4, -1, 2],
]
const ROW_BYTES = kldBytes({ contextLength: 5, tokens: [0, 1, 2, 0, 1, 2, 0, 1, 2, 0], rows: ROWS })

function rowOf(bytes: Uint8Array, index: number) {
  const source = memorySource(bytes, FILE)
  const kld = readKld(source, DEFAULT_BUDGETS)
  return readKldRow(source, kld, index, new Uint8Array(kld.rowBytes))
}

test.each([0, 1, 2, 3])('row %i is the softmax of its logits, to half a code', (index) => {
  const logits = ROWS[index]!
  const { scale, lowest, codes } = rowOf(ROW_BYTES, index)
  const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0))
  expect(codes.length).toBe(3)
  for (const [id, logit] of logits.entries()) {
    // 16 nats below its top a row ends.
    const logP = Math.max(logit - total, Math.max(...logits) - 16 - total)
    expect(Math.abs(scale * codes[id]! + lowest - logP)).toBeLessThanOrEqual(scale / 2 + 1e-6)
  }
})

test.each<[string, number, number, string]>([
  ['a scale below 0', 20 + 40, -1e-4, 'row 0 holds log-probabilities from -2.40'],
  ['a scale that is no number', 20 + 40, Number.NaN, 'to NaN: expected finite numbers up to 0'],
  ['a lowest value without bound', 20 + 44, Number.NEGATIVE_INFINITY, 'from -Infinity to -Infinity'],
  ['a probability above 1', 20 + 44, 0.5, 'from 0.5 to 2.49'],
])('a row with %s is refused', (_, at, value, words) => {
  const bytes = new Uint8Array(ROW_BYTES)
  new DataView(bytes.buffer).setFloat32(at, value, true)
  const error = expectRefusal(() => rowOf(bytes, 0), 'bad-tensor', words)
  expect(error.offset).toBe(60)
  // The rows beside it can be read.
  expect(rowOf(bytes, 1).codes.length).toBe(3)
})
