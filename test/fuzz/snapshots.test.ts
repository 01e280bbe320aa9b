import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkOptions } from '../../src/compare/options.js'
import { GoldenLogitsError } from '../../src/errors.js'
import { loadDump } from '../../src/index.js'
import { compareSnapshot } from '../../src/snapshots/compare-snapshot.js'
import { parseSnapshot, readSnapshot } from '../../src/snapshots/read-snapshot.js'
import { checksum } from '../../src/snapshots/render.js'
import { dataPath } from '../../src/snapshots/types.js'
import { writeSnapshot } from '../../src/snapshots/write-snapshot.js'
import { tree } from '../fixtures/trees.js'
import { seeded } from './choices.js'
import { Finding, refusalOf } from './examine.js'
import { mutate } from './mutate.js'
import { prototypesOf } from './prototypes.js'

const RUNS = 300
const folder = mkdtempSync(join(tmpdir(), 'golden-logits-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const dump = loadDump(tree('a_clean_f32_vs_f16', 'my'))
const paths = { full: join(folder, 'full.golden'), compact: join(folder, 'compact.golden') }

beforeAll(() => {
  for (const fidelity of ['full', 'compact'] as const) {
    const settings = { fidelity, k: 64, test: 'a test', provenance: { model: 'x' }, compare: checkOptions() }
    writeSnapshot(paths[fidelity], dump, settings)
  }
})

/** The code of a GoldenLogitsError, or the result of a function. */
function outcomeOf<T>(body: () => T): T | string {
  try {
    return body()
  } catch (error) {
    return refusalOf(error).code
  }
}

describe.each(['full', 'compact'] as const)('a damaged %s snapshot', (fidelity) => {
  test('is refused after any change of its text', () => {
    const good = readFileSync(paths[fidelity])
    const codes = new Set<unknown>()
    for (let i = 0; i < RUNS; i++) {
      const text = Buffer.from(mutate(good, seeded(1, i), [], good)).toString('utf8')
      if (text === good.toString('utf8')) continue
      const outcome = outcomeOf(() => parseSnapshot('x.golden', text))
      if (typeof outcome !== 'string') throw new Finding(`a changed snapshot was read: input ${i}`)
      codes.add(outcome)
    }
    expect([...codes].filter((code) => code !== 'bad-snapshot' && code !== 'snapshot-version')).toEqual([])
    expect(codes.has('bad-snapshot')).toBe(true)
  })

  test('with a corrected checksum is refused or compared', () => {
    const text = readFileSync(paths[fidelity], 'utf8')
    const body = Buffer.from(text.slice(0, text.lastIndexOf('checksum ')))
    const untouched = prototypesOf()
    for (let i = 0; i < RUNS; i++) {
      const changed = Buffer.from(mutate(body, seeded(2, i), [], body)).toString('utf8')
      const snapshot = outcomeOf(() => parseSnapshot(paths[fidelity], `${changed}checksum ${checksum(changed)}\n`))
      if (typeof snapshot === 'string') continue
      const comparison = outcomeOf(() => compareSnapshot(snapshot, dump, checkOptions()))
      if (typeof comparison === 'string') continue
      const { compared, failed, missing, extra, unreadable, total } = comparison.counts
      expect(compared + failed + missing + extra + unreadable).toBe(total)
    }
    expect(prototypesOf()).toBe(untouched)
  })
})

test('damaged rows of a full snapshot are refused or unreadable: no token passes with other metrics', () => {
  const rows = readFileSync(dataPath(paths.full))
  const snapshot = readSnapshot(paths.full)
  const before = compareSnapshot(snapshot, dump, checkOptions())
  expect(before.pass).toBe(true)
  let refused = 0
  for (let i = 0; i < 100; i++) {
    const changed = mutate(rows, seeded(3, i), [], rows)
    writeFileSync(dataPath(paths.full), changed)
    const after = outcomeOf(() => compareSnapshot(snapshot, dump, checkOptions()))
    if (typeof after === 'string') {
      refused++
      continue
    }
    after.tokens.forEach((token, k) => {
      if (token.pass) expect(token.metrics).toEqual(before.tokens[k]!.metrics)
      else expect(token.verdict).toBe('unreadable')
    })
  }
  writeFileSync(dataPath(paths.full), rows)
  expect(refused).toBeGreaterThan(50)
  expect(compareSnapshot(snapshot, dump, checkOptions()).pass).toBe(true)
})

test('a snapshot of noise is refused by name', () => {
  for (let i = 0; i < RUNS; i++) {
    const noise = Buffer.from(mutate(Buffer.alloc(50), seeded(4, i), [], Buffer.from('golden-logits 1\n\n'))).toString(
      'latin1',
    )
    expect(() => parseSnapshot('x.golden', noise)).toThrow(GoldenLogitsError)
  }
})
