import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { compareDumps } from '../../src/compare/compare-dumps.js'
import { loadDump } from '../../src/dumps/load.js'
import { notesOf } from '../build/notes.js'
import { writeTree } from '../build/tree.js'
import { FIXTURES } from '../conformance/format.js'
import { npy } from '../formats/build/arrays.js'
import { expectRefusal } from '../formats/build/refusal.js'

const FOLDER = join(FIXTURES, 'llama-debug')
const [golden, dump] = ['pytorch-tiny.bin', 'llamacpp-tiny.bin'].map((name) => join(FOLDER, name)) as [string, string]
const expected = JSON.parse(readFileSync(join(FOLDER, 'expected.json'), 'utf8'))

/** A copy of the files of both sides, some of them replaced. */
function copy(files: Readonly<Record<string, string | Uint8Array>>): string {
  const names = ['.bin', '.txt', '-tokens.bin'].flatMap((end) => [`pytorch-tiny${end}`, `llamacpp-tiny${end}`])
  return writeTree({ ...Object.fromEntries(names.map((name) => [name, readFileSync(join(FOLDER, name))])), ...files })
}

test('llama.cpp against PyTorch: the KL divergence is that of NumPy', () => {
  const { pass, tokens } = compareDumps(dump, golden, { dtype: 'fp16' })
  expect(pass).toBe(true)
  expect(tokens).toHaveLength(1)
  const { klDivergence } = tokens[0]!.metrics!
  expect(Math.abs(klDivergence - expected.klDivergence)).toBeLessThan(1e-12)
  expect(tokens[0]!.dump).toMatchObject({ dtype: 'float32', shape: [1, 61] })
})

test('a wrong row fails, and so does another prompt', () => {
  const bytes = new Uint8Array(readFileSync(dump))
  // Swaps logits in the middle, which the text beside them does not show.
  const wrong = bytes.slice()
  wrong.set(bytes.subarray(40, 120), 120)
  wrong.set(bytes.subarray(120, 200), 40)
  const root = copy({ 'llamacpp-tiny.bin': wrong })
  const { firstFailure } = compareDumps(join(root, 'llamacpp-tiny.bin'), golden, { dtype: 'fp16' })
  expect(firstFailure).toMatchObject({ verdict: 'over-threshold' })
  const tokens = new Uint8Array(Int32Array.of(1, 300, 301, 17, 5).buffer)
  const other = join(copy({ 'llamacpp-tiny-tokens.bin': tokens }), 'llamacpp-tiny.bin')
  expectRefusal(() => compareDumps(other, golden), 'nothing-to-compare', 'prompt_token_ids', other)
})

test('it compares with a file of another format', () => {
  const bytes = new Uint8Array(readFileSync(golden))
  const root = writeTree({ 'logits.npy': npy(bytes, { shape: '(1, 61)' }) })
  const { pass, tokens } = compareDumps(dump, join(root, 'logits.npy'), { dtype: 'fp16' })
  expect(pass).toBe(true)
  expect(Math.abs(tokens[0]!.metrics!.klDivergence - expected.klDivergence)).toBeLessThan(1e-12)
})

test('the dump says what it is', () => {
  const loaded = loadDump(dump)
  expect(loaded).toMatchObject({ layout: 'llama-debug', named: 'file', steps: { length: 1 }, stepsAssumed: true })
  expect(notesOf(loaded)).toEqual(['61 logits of llama-debug after a prompt of 5 tokens'])
  expect([...loaded.tokenIds!]).toEqual([['prompt_token_ids', expected.tokens]])
  expect(loadDump(dump, { firstStep: 3 })).toMatchObject({ stepsAssumed: false })
  const root = writeTree({ 'llamacpp-x.bin': new Uint8Array(4), 'llamacpp-x.txt': '0: 0\n' })
  expect(notesOf(loadDump(join(root, 'llamacpp-x.bin')))).toEqual([
    '1 logits of llama-debug after a prompt of which no ids are there',
  ])
})

test('a file without its text is refused, and so are options that have no meaning', () => {
  const root = writeTree({ 'llamacpp-x.bin': new Uint8Array(16) })
  const path = join(root, 'llamacpp-x.bin')
  expectRefusal(() => loadDump(path), 'unsupported-format', 'there is no llamacpp-x.txt beside it', path)
  const text = 'the option positions has no meaning for a file of llama-debug, which holds one row; leave it out'
  expect(() => loadDump(dump, { positions: 'last' })).toThrow(text)
})

test('a file that is replaced after it was listed is unreadable', () => {
  const root = copy({})
  const path = join(root, 'llamacpp-tiny.bin')
  const loaded = loadDump(path)
  rmSync(join(root, 'llamacpp-tiny.txt'))
  const { firstFailure } = compareDumps(loaded, golden)
  expect(firstFailure).toMatchObject({ verdict: 'unreadable' })
  expect(firstFailure!.reason).toContain('there is no llamacpp-tiny.txt beside it')
  rmSync(path)
  expect(compareDumps(loaded, golden).firstFailure!.reason).toContain('there is no such file')
})
