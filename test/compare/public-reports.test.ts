import { mkdirSync, renameSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compareDumps, loadDump } from '../../src/index.js'
import { failureText } from '../../src/report/message/failure.js'
import { kl } from '../build/kl.js'
import { logits, pth, type Tensor } from '../build/logits.js'
import { type Step, torchDump } from '../build/pair.js'
import { writeTree } from '../build/tree.js'

// Dumps as in public bug reports, which a comparison must not pass: each as it was reported, with what must be said of it, and
// the honest neighbour that passes.

const COLUMNS = 640
const negated = (row: readonly number[]) => row.map((logit) => -logit)
const rowsOf = (rows: readonly (readonly number[])[], shape: readonly number[]): Tensor => ({
  values: rows.flat(),
  shape: [...shape, COLUMNS],
})
const row = (seed: number) => logits(seed, COLUMNS)
const single = (values: readonly number[]): Tensor => ({ values })

function verdictsOf(golden: readonly Step[], dump: readonly Step[]) {
  const comparison = compareDumps(torchDump(dump), torchDump(golden), { dtype: 'bf16', identical: 'allow' })
  return { ...comparison, verdicts: comparison.tokens.map(({ verdict }) => verdict) }
}

test.each([
  ['[2, V]', [2]],
  ['[2, 1, V]', [2, 1]],
])('a batch %s of decode steps: the ruined request is not the one that is compared', (_, shape) => {
  const step = (seed: number, isRuined: boolean) => {
    const first = row(seed)
    return rowsOf([isRuined ? negated(first) : first, row(seed + 10)], shape)
  }
  const golden = [0, 1, 2].map((seed) => step(seed, false))
  const dump = [0, 1, 2].map((seed) => step(seed, seed === 1))
  const { pass, tokens } = verdictsOf(golden, dump)
  expect(pass).toBe(false)
  expect(tokens[1]).toMatchObject({ verdict: 'shape-mismatch', reason: expect.stringContaining('sequence: 0') })
  const sequence = (index: number) =>
    compareDumps(loadDump(torchDump(dump), { sequence: index }), loadDump(torchDump(golden), { sequence: index }), {
      dtype: 'bf16',
    }).tokens.map(({ verdict }) => verdict)
  expect(sequence(0)).toEqual(['pass', 'over-threshold', 'pass'])
  expect(sequence(1)).toEqual(['pass', 'pass', 'pass'])
})

test('six tokens in one tensor [1, 6, V] of a lone file, of which token 3 is ruined', () => {
  const rows = [0, 1, 2, 3, 4, 5].map(row)
  const files = writeTree({
    'golden.pth': pth(rowsOf(rows, [1, 6])),
    'dump.pth': pth(rowsOf(rows.with(3, negated(rows[3]!)), [1, 6])),
  })
  const sides = (options: Parameters<typeof loadDump>[1]) =>
    compareDumps(loadDump(join(files, 'dump.pth'), options), loadDump(join(files, 'golden.pth'), options), {
      dtype: 'bf16',
      decoding: 'forced',
    })
  expect(compareDumps(join(files, 'dump.pth'), join(files, 'golden.pth'), { dtype: 'bf16' }).tokens).toMatchObject([
    { verdict: 'shape-mismatch', pass: false, reason: expect.stringContaining("positions: 'steps'") },
  ])
  const { counts, firstFailure } = sides({ positions: 'steps' })
  expect([counts.total, counts.passed, firstFailure!.step]).toEqual([6, 5, 3])
})

test('the first of three speculative positions is ruined', () => {
  const step = (seed: number, isRuined: boolean): Step => {
    if (seed === 0) return single(row(0))
    const first = row(seed)
    return rowsOf([isRuined ? negated(first) : first, row(seed + 10), row(seed + 20)], [1, 3])
  }
  const golden = [0, 1, 2, 3].map((seed) => step(seed, false))
  const dump = [0, 1, 2, 3].map((seed) => step(seed, seed === 2))
  const { pass, verdicts } = verdictsOf(golden, dump)
  expect(pass).toBe(false)
  expect(verdicts).toEqual(['pass', 'shape-mismatch', 'shape-mismatch', 'shape-mismatch'])
  const all = compareDumps(loadDump(torchDump(dump), { positions: 'all' }), torchDump(golden), { dtype: 'bf16' })
  expect(all.tokens.filter((token) => !token.pass)).toMatchObject([{ step: 2, position: 0 }])
})

test('the top two logits of one of two replicas are swapped', () => {
  // The other replica's logits are 10 higher, so the joined softmax hardly sees the first.
  const replicas = (seed: number) =>
    [row(seed).with(3, 12).with(5, 11), row(seed + 10).map((logit) => logit + 10)] as const
  const swapped = (values: readonly number[]) => {
    const order = values.map((_, id) => id).sort((a, b) => values[b]! - values[a]!)
    const [first, second] = [order[0]!, order[1]!]
    return values.with(first, values[second]! - 1).with(second, values[first]!)
  }
  const golden = [0, 1, 2].map((seed) => replicas(seed).map(single))
  const dump = [0, 1, 2].map((seed) => {
    const [first, second] = replicas(seed)
    return [seed === 1 ? swapped(first) : first, second].map(single)
  })
  const [first, second] = replicas(1)
  expect(kl(first, swapped(first))).toBeGreaterThan(0.1)
  expect(kl([...first, ...second], [...swapped(first), ...second])).toBeLessThan(0.004)
  const { pass, verdicts, tokens } = verdictsOf(golden, dump)
  expect(pass).toBe(false)
  expect(verdicts).toEqual(['pass', 'undecided', 'pass'])
  expect(tokens[1]!.reason).toContain("load both dumps with ranks: 'split'")
  const replica = (rank: number) =>
    compareDumps(loadDump(torchDump(dump), { ranks: rank }), loadDump(torchDump(golden), { ranks: rank }), {
      dtype: 'bf16',
    }).tokens.map(({ verdict }) => verdict)
  expect(replica(0)[1]).toBe('over-threshold')
  expect(replica(1)).toEqual(['pass', 'pass', 'pass'])
})

describe('rows that say nothing', () => {
  const constant = (value: number) => single(Array<number>(COLUMNS).fill(value))
  const padded = (isRuined: boolean) => {
    const rows = [0, 1, 2].map(row)
    if (isRuined) rows[2] = negated(rows[2]!)
    return rowsOf([...rows, Array<number>(COLUMNS).fill(0)], [1, 4])
  }

  test('a prompt padded at its end, an unfilled buffer, and two constants', () => {
    const { pass, verdicts } = verdictsOf(
      [padded(false), constant(0), constant(3)],
      [padded(true), constant(0), constant(5)],
    )
    expect({ pass, verdicts }).toEqual({ pass: false, verdicts: Array(3).fill('no-information') })
  })

  test('a prompt that is not padded passes', () => {
    const prompt = rowsOf([0, 1, 2].map(row), [1, 3])
    expect(verdictsOf([prompt, single(row(3))], [prompt, single(row(3))]).verdicts).toEqual(['pass', 'pass'])
  })
})

test.skipIf(process.platform === 'win32')('the folder of the ruined step is a link on both sides', () => {
  const side = (isRuined: boolean) => {
    const path = torchDump([0, 1, 2, 3].map((seed) => single(isRuined && seed === 2 ? negated(row(2)) : row(seed))))
    const step = join(path, 'torch_tensors/cuda0_1/2')
    const store = join(path, 'store/2')
    mkdirSync(dirname(store))
    renameSync(step, store)
    symlinkSync(store, step)
    return path
  }
  const { pass, tokens, counts } = compareDumps(side(true), side(false), { dtype: 'bf16' })
  expect(pass).toBe(false)
  expect(counts).toMatchObject({ total: 4, compared: 3, unreadable: 1 })
  expect(tokens[2]).toMatchObject({ verdict: 'unreadable', reason: expect.stringContaining('cp -rL') })
})

test('two chunks of the prompt come before the steps of the dump', () => {
  const rows = [0, 1, 2, 3, 4].map(row)
  const dump = [row(50), row(51), ...rows].map(single)
  const comparison = compareDumps(torchDump(dump), torchDump(rows.map(single)), { dtype: 'bf16' })
  expect(comparison.pass).toBe(false)
  const message = failureText(comparison)
  expect(message).toContain('The steps look shifted by 2: dump token n + 2 looks like golden token n')
  expect(message).toContain('load the golden with the option firstStep: 2 and compare steps: { from: 2 }')
  expect(message).not.toContain('the fault is in the model')
  const moved = loadDump(torchDump(rows.map(single)), { firstStep: 2 })
  expect(compareDumps(torchDump(dump), moved, { dtype: 'bf16', steps: { from: 2 } }).pass).toBe(true)
})
