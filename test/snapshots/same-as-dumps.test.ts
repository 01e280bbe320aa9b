import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { checkOptions } from '../../src/compare/options.js'
import { type CompareOptions, type Comparison, compareDumps, loadDump } from '../../src/index.js'
import { compareSnapshot } from '../../src/snapshots/compare-snapshot.js'
import { readSnapshot } from '../../src/snapshots/read-snapshot.js'
import { writeSnapshot } from '../../src/snapshots/write-snapshot.js'
import { logits } from '../build/logits.js'
import { atbDump, type Step, torchDump } from '../build/pair.js'

const folder = mkdtempSync(join(tmpdir(), 'snapshots-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** The comparison of a dump with a snapshot that was made of the golden. */
function withSnapshot(fidelity: 'full' | 'compact', golden: string, dump: string, options: CompareOptions): Comparison {
  const path = join(folder, `${fidelity}-${Math.random()}.golden`)
  const compare = checkOptions({ dtype: 'bf16' })
  expect(writeSnapshot(path, loadDump(golden), { fidelity, k: 256, test: 't', provenance: {}, compare }).kind).toBe(
    'written',
  )
  return compareSnapshot(readSnapshot(path), loadDump(dump), checkOptions(options))
}

const row = (seed: number): Step => ({ values: logits(seed, 64) })

describe.each(['full', 'compact'] as const)('a %s snapshot and the dump it was made of', (fidelity) => {
  test('excuse the same tokens after a flip, with the same note', () => {
    const golden = torchDump([1, 2, 3, 4].map(row))
    const dump = atbDump([row(1), row(9), row(3), row(8)])
    const options: CompareOptions = { dtype: 'bf16', afterDivergence: 'ignore' }
    const expected = compareDumps(dump, golden, options)
    expect(expected.tokens.map(({ verdict }) => verdict)).toEqual(['pass', 'over-threshold', 'pass', 'not-comparable'])
    const comparison = withSnapshot(fidelity, golden, dump, options)
    expect(comparison.tokens.map(({ verdict, pass }) => [verdict, pass])).toEqual(
      expected.tokens.map(({ verdict, pass }) => [verdict, pass]),
    )
    expect(comparison.counts).toEqual(expected.counts)
    const note =
      "top-1 differs at token 1: 1 failing token is excused after it (afterDivergence: 'ignore'); if that is right, set steps: { to: 1 }"
    expect([expected.notes, comparison.notes].map((notes) => notes.includes(note))).toEqual([true, true])
  })

  test('name no dtype if no token could be read', () => {
    const golden = torchDump([row(1), row(2)])
    const dump = atbDump(['no tensor', 'no tensor'])
    const comparisons = [compareDumps(dump, golden), withSnapshot(fidelity, golden, dump, {})]
    for (const { counts, notes } of comparisons) {
      expect(counts).toMatchObject({ total: 2, unreadable: 2 })
      expect(notes.filter((note) => note.startsWith('dtype '))).toEqual([])
    }
  })

  test('count a float32 dump of bfloat16 numbers as bf16', () => {
    const words = new Uint32Array(Float32Array.from(logits(1, 64)).buffer).map((word) => (word >>> 16) << 16)
    const values = [...new Float32Array(words.buffer)]
    const golden = torchDump([row(1)])
    for (const { thresholds, notes } of [
      compareDumps(atbDump([{ values }]), golden),
      withSnapshot(fidelity, golden, atbDump([{ values }]), {}),
    ]) {
      expect(thresholds.precision).toBe('bf16')
      expect(notes).toContainEqual(
        expect.stringMatching(/^dump: all .* are bfloat16 numbers, so they count as bfloat16;/),
      )
    }
  })

  test('name the dtype that they were judged by, if tokens were read', () => {
    const golden = torchDump([row(1)])
    for (const { notes } of [
      compareDumps(atbDump([row(1)]), golden),
      withSnapshot(fidelity, golden, atbDump([row(1)]), {}),
    ]) {
      expect(notes).toContain('dtype fp32 taken from the dumps')
    }
  })
})

describe('compact snapshots count in float32', () => {
  const write = (dtype: 'int32' | 'float64', values: readonly number[], fidelity: 'full' | 'compact') => {
    const compare = checkOptions({ dtype: 'bf16' })
    const settings = { fidelity, k: 256, test: 't', provenance: {}, compare } as const
    const path = join(folder, `wide-${Math.random()}.golden`)
    return { path, written: writeSnapshot(path, loadDump(torchDump([{ values, dtype }])), settings) }
  }
  const large = Array.from({ length: 64 }, (_, i) => 2 ** 24 + i)

  test.each(['int32', 'float64'] as const)('so they refuse %s logits that it would move', (dtype) => {
    const values = dtype === 'int32' ? large : large.map((value) => value + 0.25)
    expect(write(dtype, values, 'compact').written).toEqual({
      kind: 'refused',
      step: 0,
      reason:
        "float32, in which compact snapshots count, cannot hold these logits (they are too large); keep the snapshot with fidelity: 'full'",
    })
    expect(write(dtype, values, 'full').written.kind).toBe('written')
  })

  test('and take ordinary ones', () => {
    expect(write('int32', logits(1, 64).map(Math.round), 'compact').written.kind).toBe('written')
    expect(
      write(
        'float64',
        logits(1, 64).map((value) => value / 3),
        'compact',
      ).written.kind,
    ).toBe('written')
  })

  test('a dump with such logits fails its token', () => {
    const { path } = write('int32', logits(1, 64).map(Math.round), 'compact')
    const dump = loadDump(torchDump([{ values: large, dtype: 'int32' }]))
    const { pass, tokens } = compareSnapshot(readSnapshot(path), dump, checkOptions({ dtype: 'bf16' }))
    expect(pass).toBe(false)
    expect(tokens[0]).toMatchObject({
      verdict: 'shape-mismatch',
      reason: expect.stringMatching(/^dump: float32, in which compact snapshots count, cannot hold these logits/),
    })
  })
})
