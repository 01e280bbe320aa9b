import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compareDumps } from '../../src/compare/compare-dumps.js'
import { loadDump } from '../../src/dumps/load.js'
import { rawOf } from '../build/logits.js'
import { writeTree } from '../build/tree.js'
import { FIXTURES } from '../conformance/format.js'
import { npy } from '../formats/build/arrays.js'
import { expectRefusal } from '../formats/build/refusal.js'

// Folders written by the code of OpenVINO wwb, with the KL divergence of each row by PyTorch.

const WWB = join(FIXTURES, 'wwb')
const EXPECTED: Record<string, Record<string, number[]>> = JSON.parse(readFileSync(join(WWB, 'expected.json'), 'utf8'))

describe.each(Object.keys(EXPECTED))('wwb, %s', (name) => {
  const [golden, dump] = ['golden', 'dump'].map((side) => join(WWB, name, side)) as [string, string]

  test('every sample is a run whose rows are positions of its prompt', () => {
    const sides = [dump, golden].map((path) => loadDump(path, { run: 'all' })) as [
      ReturnType<typeof loadDump>,
      ReturnType<typeof loadDump>,
    ]
    const { tokens, runs } = compareDumps(...sides, { dtype: 'bf16' })
    expect(runs!.map((run) => run.name).sort()).toEqual(Object.keys(EXPECTED[name]!))
    for (const [run, klDivergences] of Object.entries(EXPECTED[name]!)) {
      const rows = tokens.filter((token) => token.run === run)
      expect(rows.map(({ step, position }) => [step, position])).toEqual(klDivergences.map((_, i) => [0, i]))
      for (const [i, kl] of klDivergences.entries()) {
        // PyTorch evaluates the same definition in float64.
        expect(Math.abs(rows[i]!.metrics!.klDivergence - kl)).toBeLessThan(Math.max(1e-12, 1e-9 * kl))
      }
    }
    const worst = Object.entries(EXPECTED[name]!).reduce((a, b) => (Math.max(...a[1]) > Math.max(...b[1]) ? a : b))
    expect(runs![0]!.name).toBe(worst[0])
  })

  test('one sample is compared by itself, also if the two builds generate other tokens', () => {
    const [g, d] = [golden, dump].map((path) => loadDump(path, { run: 'sample_00001' }))
    expect(g!.notes[1]!.text).toContain(
      'the rows of the file are positions of one text, and each is compared, as the token ids show (prompt_input_ids)',
    )
    const { tokens, sameIds } = compareDumps(d!, g!, { dtype: 'bf16', decoding: 'forced' })
    expect(tokens.length).toBe(EXPECTED[name]!.sample_00001!.length)
    expect(sameIds).toBe('fed')
  })
})

describe('a sample with other ids', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'golden-logits-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const golden = join(WWB, 'whole/golden/sample_00000')

  const withIds = (name: string) => {
    const path = join(folder, name, 'sample_00000')
    cpSync(golden, path, { recursive: true })
    const ids = npy(
      rawOf(
        Array.from({ length: 19 }, (_, i) => (i === 0 ? 84 : 1)),
        'int64',
      ),
      { descr: "'<i8'", shape: '(1, 19)' },
    )
    cpSync(join(writeTree({ 'ids.npy': ids }), 'ids.npy'), join(path, name))
    return path
  }

  test('of the prompt is refused', () => {
    const path = withIds('prompt_input_ids.npy')
    const text = 'read different tokens: at position 1 of prompt_input_ids the golden'
    expectRefusal(() => compareDumps(path, golden), 'nothing-to-compare', text, path)
  })

  test('that were generated says nothing of the rows', () => {
    expect(compareDumps(withIds('generated_token_ids.npy'), golden, { decoding: 'forced' }).pass).toBe(true)
  })
})
