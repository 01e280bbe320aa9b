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
