import { readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { CompareOptions } from '../../src/compare/options.js'
import { compareDumps, GoldenLogitsError, loadDump } from '../../src/index.js'
import type { MatcherContext } from '../../src/matchers/types.js'
import { toMatchGoldenLogits } from '../../src/matchers.js'
import { failureText } from '../../src/report/message/failure.js'
import { pth } from '../build/logits.js'
import { type Step, torchDump } from '../build/pair.js'
import { writeTree } from '../build/tree.js'
import { compare, GUESSES, heads, ROWS, row, settled } from './guesses.js'

describe.each(GUESSES)('%s', (_, guess, text) => {
  test('is a warning, which only strict makes fail', () => {
    const { pass, notes, warnings, strict } = compare(guess)
    expect({ pass, strict }).toEqual({ pass: true, strict: false })
    expect(warnings).toContainEqual(expect.stringMatching(text))
    expect(notes).toEqual(expect.arrayContaining(warnings))
    const failed = compare({ ...guess, options: { ...guess.options, strict: true } })
    expect(failed).toMatchObject({ pass: false, strict: true, warnings, notes })
    expect(failed.firstFailure).toBeUndefined()
    expect(failed.tokens.every((token) => token.pass)).toBe(true)
  })

  test('passes strict if its warnings are followed', () => {
    const next = settled(guess, compare(guess))
    const { pass, warnings } = compare({ ...next, options: { ...next.options, strict: true } })
    expect({ pass, warnings }).toEqual({ pass: true, warnings: [] })
  })
})

test.each<[string, string]>([
  [
    'one warm-up',
    heads({ '0/33_LmHead': row(9), '1/33_LmHead': row(0), '1/67_LmHead': row(1), '2/67_LmHead': row(2) }),
  ],
  [
    'a warm-up with decode',
    heads({
      '0/33_LmHead': row(8),
      '0/67_LmHead': row(9),
      '1/33_LmHead': row(0),
      '1/67_LmHead': row(1),
      '2/67_LmHead': row(2),
    }),
  ],
  [
    'warm-ups, and layers without the name of a head',
    heads({ '0/3_X': row(9), '1/3_X': row(0), '1/9_X': row(1), '2/9_X': row(2) }),
  ],
])('an ordinary ATB run (%s) passes strict with the options that its warnings name', (_, dump) => {
  const first = compare({ dump })
  expect(first.pass).toBe(true)
  expect(first.warnings.length).toBeGreaterThan(0)
  const next = settled({ dump }, first)
  const second = compare({ ...next, options: { ...next.options, strict: true } })
  expect(second).toMatchObject({ pass: true, warnings: [], counts: { passed: 3 } })
  // What was a warning is still said.
  expect(second.notes).toContainEqual(expect.stringContaining('execution 0 ignored as a warm-up'))
})

// The cases of layers and of calibrations are with their own tests.
test('every place in the code that makes a warning has a row in the table of guesses', () => {
  const root = join(import.meta.dirname, '../../src')
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  const places = files.flatMap((name) => {
    const count = readFileSync(join(root, name), 'utf8').match(/(?<!function )\bwarning\(/g)?.length ?? 0
    return count === 0 ? [] : [`${name.replaceAll(sep, '/')}: ${count}`]
  })
  expect(places.sort()).toMatchInlineSnapshot(`
    [
      "compare/align.ts: 3",
      "compare/baseline/judge.ts: 1",
      "compare/calibration/judge.ts: 2",
      "compare/comparable.ts: 2",
      "compare/conclude.ts: 2",
      "compare/equal-notes.ts: 1",
      "compare/layers/compare-layers.ts: 1",
      "compare/pair-steps.ts: 1",
      "compare/row-notes.ts: 2",
      "compare/run-limits.ts: 1",
      "compare/run-noise.ts: 1",
      "compare/sides.ts: 1",
      "compare/tally.ts: 1",
      "dumps/layouts/atb/plan.ts: 3",
      "dumps/layouts/layout.ts: 1",
      "dumps/layouts/sglang/passes.ts: 3",
      "dumps/layouts/torch/index.ts: 1",
      "dumps/layouts/transformers/index.ts: 1",
      "dumps/load.ts: 1",
    ]
  `)
})

describe('honest neighbours of equal rows have no warning', () => {
  const nearly = { values: row(1).values.map((value, i) => (i === 3 ? Math.fround(value * 1.0001) : value)) }
  const warningsOf = (dump: readonly Step[], golden: readonly Step[]) =>
    compareDumps(torchDump(dump), torchDump(golden), { dtype: 'bf16' }).warnings

  test('one token of the dump differs from the golden', () => {
    expect(warningsOf([row(0), nearly, row(2)], ROWS)).toEqual([])
  })

  test('the dump has the numbers of the golden in another dtype', () => {
    const golden = ROWS.map(({ values }) => ({ values: values.map(Math.fround) }))
    expect(warningsOf(golden, golden)).toEqual([expect.stringMatching(/^all 3 tokens have the same logits/)])
    const wide = golden.map(({ values }) => ({ values, dtype: 'float64' as const }))
    expect(warningsOf(wide, golden)).toEqual([])
  })

  test('consecutive rows have the same maximum, minimum, mean and top-1, but not the same bits', () => {
    const values = [9, 1, 2, 3, 4, 5, 6, 0]
    const moved = [9, 2, 1, 3, 4, 5, 6, 0]
    expect(warningsOf([{ values }, { values: moved }], [{ values }, { values: moved.with(3, 3.001) }])).toEqual([])
  })

  test('equal rows that are not consecutive', () => {
    expect(warningsOf([row(0), row(1), row(0)], [row(0), nearly, row(0)])).toEqual([])
  })
})

test('what the caller asked for, or what a file says, is an info', () => {
  const tree = writeTree({
    ...Object.fromEntries(ROWS.map((tensor, step) => [`logits_a_1_${step}.pth`, pth(tensor)])),
    'logits_a_2_0.pth': pth(row(9)),
  })
  const options: CompareOptions = { vocabSize: 7, thresholds: { klDivergence: 100 }, identical: 'allow' }
  const settings = { ...options, strict: true }
  const { pass, notes, warnings } = compareDumps(loadDump(tree, { run: 'logits_a_1' }), torchDump(ROWS), settings)
  expect({ pass, warnings }).toEqual({ pass: true, warnings: [] })
  expect(notes).toEqual([
    expect.stringMatching(/^all 3 tokens have the same logits .* \(identical: 'allow'\)$/),
    'dump: case logits_a_1 is compared (option run); 1 other case is ignored',
    'dump: 1 path ignored: another case',
    expect.stringMatching(/^golden: 1 column cut by vocabSize/),
    expect.stringMatching(/^dump: 1 column cut by vocabSize/),
    'dtype fp32 taken from the dumps',
  ])
})

describe('the message of a strict comparison', () => {
  const files = torchDump(ROWS)

  test('says that no token fails, and which warnings do', () => {
    expect(failureText(compareDumps(files, files, { strict: true }))).toMatchInlineSnapshot(`
      "No token fails, but the warnings do     (3 tokens compared, 0 over, 0 missing)

      With the option strict: true, warnings make the comparison fail:
        warning: tokens 0 to 2: golden and dump are the same file; if that is right, set identical: 'allow'

        note: dtype fp32 taken from the dumps"
    `)
  })

  test('shows the warnings beside a token that fails', () => {
    const dump = torchDump([row(9), null, row(2)])
    const text = failureText(compareDumps(dump, files, { dtype: 'bf16', missing: 'allow', strict: true }))
    expect(text).toMatch(/^First token over threshold: token 0 /)
    expect(text).toContain(
      '\nWith the option strict: true, warnings make the comparison fail:\n  warning: token 1 is missing',
    )
    expect(text).not.toContain('note:')
  })
})

describe('.not with strict', () => {
  const call = (dump: string, golden: string, options: CompareOptions) => {
    const context = { isNot: true } as MatcherContext
    return toMatchGoldenLogits.call(context, dump, golden, options).pass
  }
  const golden = torchDump(ROWS)
  const other = torchDump([row(9), null, row(2)])

  test('passes if logits differ and there is no warning', () => {
    expect(call(torchDump([row(9), row(1), row(2)]), golden, { strict: true })).toBe(false)
    expect(call(other, golden, { missing: 'allow' })).toBe(false)
  })

  test.each([
    ['only the warnings fail', golden],
    ['logits differ, but there is a warning', other],
  ])('is refused if %s', (_, dump) => {
    const refused = () => call(dump, golden, { missing: 'allow', strict: true })
    expect(refused).toThrow(GoldenLogitsError)
    expect(refused).toThrow('.not.toMatchGoldenLogits with strict: true needs a comparison without warnings')
  })
})
