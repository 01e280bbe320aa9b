import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { checkOptions } from '../../src/compare/options.js'
import { compareDumps, loadDump } from '../../src/index.js'
import { compareSnapshot } from '../../src/snapshots/compare-snapshot.js'
import { readSnapshot } from '../../src/snapshots/read-snapshot.js'
import { checksum } from '../../src/snapshots/render.js'
import { tree } from '../fixtures/trees.js'

const folder = mkdtempSync(join(tmpdir(), 'snapshots-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Written by builds of formats 1 and 2: the first one without the digests of the tokens' lines. */
const OLD = ['format-1-early.golden', 'format-1.golden', 'format-2.golden'].map((name) =>
  join('test/fixtures/snapshots', name),
)

/** The dump that they were made of: its first two steps. */
const golden = loadDump(tree('b_token3_degraded', 'golden'))
const options = { dtype: 'bf16', steps: { to: 1 } } as const

test.each(OLD)('%s: the dump it was made of is measured as equal', (file) => {
  const { tokens } = compareSnapshot(readSnapshot(file), golden, checkOptions(options))
  expect(tokens.map(({ metrics }) => metrics!.klDivergence)).toEqual([0, 0])
})

test.each(OLD)('%s: the exact metrics of another dump lie within its bounds', (file) => {
  const dump = loadDump(tree('b_token3_degraded', 'my'))
  const exact = compareDumps(dump, golden, options).tokens
  const comparison = compareSnapshot(readSnapshot(file), dump, checkOptions(options))
  expect(comparison.pass).toBe(true)
  comparison.tokens.forEach(({ bounds }, i) => {
    const { klDivergence, cosineSimilarity } = exact[i]!.metrics!
    expect(bounds!.klDivergence.lo).toBeLessThanOrEqual(klDivergence)
    expect(bounds!.klDivergence.hi).toBeGreaterThanOrEqual(klDivergence)
    expect(bounds!.cosineSimilarity!.lo).toBeLessThanOrEqual(cosineSimilarity!)
    expect(bounds!.cosineSimilarity!.hi).toBeGreaterThanOrEqual(cosineSimilarity!)
  })
})

test.each(OLD)('%s: a row of another token is refused', (file) => {
  const text = readFileSync(file, 'utf8')
  const [first, second] = [/row 0 (.*)\n/.exec(text)![1]!, /row 1 (.*)\n/.exec(text)![1]!]
  const body = text.slice(0, text.lastIndexOf('checksum ')).replace(first, second)
  const path = join(folder, 'swapped.golden')
  writeFileSync(path, `${body}checksum ${checksum(body)}\n`)
  expect(() => readSnapshot(path)).toThrow(/token 0/)
})
