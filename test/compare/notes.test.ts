import { linkSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, sep } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { CompareOptions } from '../../src/compare/options.js'
import { type Comparison, compareDumps, GoldenLogitsError, type LoadDumpOptions, loadDump } from '../../src/index.js'
import type { MatcherContext } from '../../src/matchers/types.js'
import { toMatchGoldenLogits } from '../../src/matchers.js'
import { failureText } from '../../src/report/message/failure.js'
import { kldBytes } from '../build/kld.js'
import { atb, logits, pth, rawOf, type Tensor } from '../build/logits.js'
import { atbDump, type Step, torchDump } from '../build/pair.js'
import { writeTree } from '../build/tree.js'
import { noisyPair } from '../fixtures/noise.js'
import { npy } from '../formats/build/arrays.js'

const row = (seed: number): Tensor => ({ values: logits(seed) })
const ROWS = [0, 1, 2].map(row)

/** Writes an ATB dump: the logits of each layer by `{execution}/{layer}`. @returns its path */
function heads(rows: Readonly<Record<string, Tensor>>, beside: Readonly<Record<string, string>> = {}): string {
  const files = Object.entries(rows).map(([place, tensor]) => [
    `msit_dump_20250301_101500/tensors/0_7/${place}/after/outtensor0.bin`,
    atb(tensor),
  ])
  const others = Object.entries(beside).map(([path, text]) => [`msit_dump_20250301_101500/${path}`, text])
  return join(writeTree(Object.fromEntries([...files, ...others])), 'msit_dump_20250301_101500')
}

const GRAPH = { 'model/7/M.json': '{ "opName": "LmHead_33" }, { "opName": "LmHead_67" }' }

interface Case {
  dump: string
  golden?: string
  options?: CompareOptions
  load?: LoadDumpOptions
}

function compare({ dump, golden = torchDump(ROWS), options = {}, load = {} }: Case): Comparison {
  return compareDumps(loadDump(dump, load), golden, { dtype: 'bf16', identical: 'allow', ...options })
}

/** What is guessed, its warning, and the same comparison with what the warning names. */
const GUESSES: readonly [name: string, guess: Case, text: RegExp, confirmed: Case | undefined][] = [
  (() => {
    const dump = heads({ '0/33_LmHead': row(9), '1/33_LmHead': row(0), '1/67_LmHead': row(1), '2/67_LmHead': row(2) })
    const text = /^dump: execution 0 taken for a warm-up: .*; if that is right, set loadDump's option prefill: 'last'$/
    return ['a warm-up', { dump }, text, { dump, load: { prefill: 'last' } }]
  })(),
  (() => {
    const dump = heads({ '0/67_LmHead': row(1), '1/67_LmHead': row(2) }, GRAPH)
    const options = { steps: { from: 1 } }
    const text =
      /^dump: only the decoder's head 67 was dumped: .*; if that is right, set loadDump's option firstStep: 1; .*$/
    return ["the decoder's head alone", { dump, options }, text, { dump, options, load: { firstStep: 1 } }]
  })(),
  (() => {
    const dump = heads({ '0/33_LmHead': row(9), '1/33_LmHead': row(0) }, GRAPH)
    const options = { steps: [0] }
    const text = /^dump: only the prefill head 33 .*; if that is right, set loadDump's option prefill: 'last'$/
    return ['the prefill head alone', { dump, options }, text, { dump, options, load: { prefill: 'last' } }]
  })(),
  (() => {
    const tree = writeTree({ 'torch_tensors/cuda0_1/0/lm_head/output_1.pth': pth(row(0)) })
    const options = { steps: [0] }
    const text = /^dump: no first output in folder 0: .*; if that is right, name these files in the path or pattern$/
    const file = 'torch_tensors/cuda0_1/*/lm_head/output_1.pth'
    return ['a later output', { dump: tree, options }, text, { dump: join(tree, file), options }]
  })(),
  (() => {
    const run = heads({ '0/33_LmHead': row(0), '1/33_LmHead': row(9), '1/67_LmHead': row(9) })
    const dump = join(run, 'tensors/0_7/0/33_LmHead/after/outtensor0.bin')
    const options = { steps: [0] }
    const text = /^dump: outtensor0.bin is not a step of its run .*; if that is right, set loadDump's option firstStep/
    return ['a file beside the run', { dump, options }, text, { dump, options, load: { firstStep: 0 } }]
  })(),
  (() => {
    const dump = atbDump([null, row(1), row(2)])
    const text = /^the steps do not line up, and those of the dump are assumed .* option firstStep: 1; .*$/
    const options: CompareOptions = { missing: 'allow' }
    const whole = { dump, options: { steps: [1, 2] }, load: { firstStep: 1 } }
    return ['steps that do not line up', { dump, options }, text, whole]
  })(),
  (() => {
    const text = /^tokens 0, 1 and 2: golden and dump are the same file$|^tokens 0 to 2: golden and dump/
    const golden = torchDump(ROWS)
    const guess: Case = { dump: golden, golden, options: { identical: 'warn' } }
    return ['the same files on both sides', guess, text, { dump: golden, golden }]
  })(),
  (() => {
    const golden = torchDump(ROWS)
    const dump = torchDump([row(7), row(8), row(9)])
    const files = [0, 1, 2].map((step) => `torch_tensors/cuda0_1/${step}/root.lm_head/output.pth`)
    for (const file of files) {
      rmSync(join(dump, file))
      linkSync(join(golden, file), join(dump, file))
    }
    const text =
      /^tokens 0 to 2: golden and dump are the same file, by links; if that is right, set identical: 'allow'$/
    return ['links to the same files', { dump, golden, options: { identical: 'warn' } }, text, { dump, golden }]
  })(),
  (() => {
    const text = /^all 3 tokens have the same logits on both sides, bit for bit: .*, set identical: 'allow'$/
    const dump = atbDump(ROWS)
    return ['a copy of the golden', { dump, options: { identical: 'warn' } }, text, { dump }]
  })(),
  (() => {
    const frozen = [row(0), row(1), row(1), row(1)]
    const [dump, golden] = [torchDump(frozen), torchDump(frozen)]
    const text = /^dump: tokens 2 and 3 repeat the logits of the token before, .*, set repeatedRows: 'allow'$/
    const confirmed: Case = { dump, golden, options: { repeatedRows: 'allow' } }
    return ['a frozen dump', { dump, golden }, text, confirmed]
  })(),
  (() => {
    const holes = [row(0), null, row(2)]
    const guess = { dump: atbDump(holes), golden: torchDump(holes) }
    const text = /^neither side has token 1; if that is right, list the tokens to compare in the option steps$/
    return ['a gap on both sides', guess, text, { ...guess, options: { steps: [0, 2] } }]
  })(),
  (() => {
    const dump = torchDump([row(0)])
    const text =
      /^tokens 1 and 2 are missing, excused by missing: 'allow', which are 2 of 3 tokens; if that is right, .* option steps$/
    return ['missing tokens', { dump, options: { missing: 'allow' } }, text, { dump, options: { steps: [0] } }]
  })(),
  (() => {
    const guess = { dump: atbDump(ROWS), options: { steps: { from: 1, to: 9 } } }
    const text =
      /^the option steps ends at token 9, but neither side has a token after 2; if that is right, set steps: { from: 1, to: 2 }$/
    return ['a range that ends beyond both sides', guess, text, { ...guess, options: { steps: { from: 1, to: 2 } } }]
  })(),
  (() => {
    const late = [null, null, row(2), row(3)]
    const guess = { dump: torchDump(late), golden: torchDump(late), options: { steps: { from: 1, to: 3 } } }
    const text = /^neither side has token 1; if that is right, list the tokens to compare in the option steps$/
    return ['a range that begins before both sides', guess, text, { ...guess, options: { steps: { from: 2, to: 3 } } }]
  })(),
  (() => {
    const files = (path: string, name: string) => join(path, 'torch_tensors/cuda0_1', name, 'root.lm_head/output.pth')
    const golden = files(torchDump([row(1)]), '0')
    const dump = files(torchDump([null, row(1)]), '1')
    const text =
      /^two files were named, .*: golden token 0 with dump token 1; if that is right, give both the same number/
    return ['two files of different steps', { dump, golden }, text, { dump, golden, load: { firstStep: 0 } }]
  })(),
  (() => {
    const dump = writeTree(
      Object.fromEntries(ROWS.map((tensor, step) => [`torch_tensors/cuda0_1/${step}/head/output.pth`, pth(tensor)])),
    )
    const text =
      /^dump: the dump has no other layer than head, .*; if that is right, set loadDump's option layer: 'head'$/
    return ['a layer without the name of a head', { dump }, text, { dump, load: { layer: 'head' } }]
  })(),
  (() => {
    const dump = heads({ '0/3_Linear': row(0), '0/9_Linear': row(1), '1/9_Linear': row(2) })
    const text =
      /^dump: the dump has no other layer than Linear, .*; if that is right, set loadDump's option layer: 'Linear'$/
    return ['ATB layers without the name of a head', { dump }, text, { dump, load: { layer: 'Linear' } }]
  })(),
  (() => {
    const write = () => {
      const values = ROWS.flatMap((tensor) => tensor.values)
      const shape = `(${ROWS.length}, ${values.length / ROWS.length})`
      return join(writeTree({ 'run.npy': npy(rawOf(values, 'float32'), { shape }) }), 'run.npy')
    }
    const guess = { dump: write(), golden: write(), options: { decoding: 'greedy' } } as const
    const text = /^dump: 3 rows in the file are taken for the tokens of a run, .*; if that is right, load it with/
    return ['rows of a file as steps', guess, text, { ...guess, load: { positions: 'steps' } }]
  })(),
  (() => {
    const write = (noise: number) => {
      const rows = [0, 1, 2, 3].map((step) => [step, 3, 2, 1, 0.5 + noise])
      const bytes = kldBytes({ contextLength: 10, tokens: Array.from({ length: 10 }, (_, i) => i % 5), rows })
      return join(writeTree({ 'base.kld': bytes }), 'base.kld')
    }
    const [dump, golden] = [write(0.001), write(0)]
    const text = /^log-probabilities do not show the precision .*; if that is right, set dtype: 'fp16'$/
    const guess: Case = { dump, golden, options: { dtype: undefined } as CompareOptions }
    return ['base files of llama.cpp', guess, text, { dump, golden, options: { dtype: 'fp16' } }]
  })(),
  (() => {
    // Of the golden, e^−0.2 is on id 3 and the same on each of the other ids.
    const golden = torchDump([
      { values: [0, 1, 2, 3, 4, 5, 6, 7].map((id) => (id === 3 ? -0.2 : Math.log((1 - Math.exp(-0.2)) / 7))) },
    ])
    const bytes = Buffer.from(JSON.stringify({ completion_probabilities: [{ id: 3, logprob: -0.21 }] }))
    const dump = join(writeTree({ 'answer.json': bytes }), 'answer.json')
    const guess = { dump, golden, options: { thresholds: { totalVariation: 0.5 } } }
    const text =
      /^of 1 token only some vocab ids are known .*; if that is right, set loadDump's option kind: 'known-ids'$/
    return ['answers of servers', guess, text, { ...guess, load: { kind: 'known-ids' } }]
  })(),
  (() => {
    const dump = torchDump([...ROWS, row(3)])
    const text = /^token 3 is extra, excused by extra: 'allow'; if that is right, .* option steps$/
    return ['extra tokens', { dump, options: { extra: 'allow' } }, text, { dump, options: { steps: { to: 2 } } }]
  })(),
  (() => {
    const tie = (first: number, second: number): Step => ({ values: [first, second, 0, 0, 0, 0, 0, 0] })
    const golden = torchDump([row(0), tie(5, 5), row(2)])
    const dump = torchDump([row(0), tie(5, 5.0005), row(9)])
    const options: CompareOptions = { afterDivergence: 'ignore' }
    const text =
      /^top-1 differs at token 1: 1 failing token is excused after it .*; if that is right, set steps: { to: 1 }$/
    return [
      'tokens after a divergence',
      { dump, golden, options },
      text,
      { dump, golden, options: { steps: { to: 1 } } },
    ]
  })(),
  (() => {
    const tie = (first: number, second: number): Step => ({ values: [first, second, 0, 0, 0, 0, 0, 0] })
    const golden = torchDump([row(0), row(1), row(2), tie(5, 5), row(3)])
    const dump = torchDump([row(0), row(1), row(2), tie(5, 5.0005), row(9)])
    const text =
      /^top-1 is a near-tie at token 3, where .*: 1 later token is not comparable, 4 of 5 are judged; if that is right, set decoding: 'greedy'/
    return ['tokens after a near-tie', { dump, golden }, text, { dump, golden, options: { decoding: 'greedy' } }]
  })(),
  (() => {
    // One row of many is as noisy as bf16 makes one in a hundred.
    const pairs = [0, 1, 2, 3].map((seed) => noisyPair(seed, seed === 3 ? 0.05 : 0.01))
    const golden = torchDump(pairs.map((pair) => ({ values: pair.golden })))
    const dump = torchDump(pairs.map((pair) => ({ values: pair.dump, dtype: 'bfloat16' as const })))
    const text =
      /^token 3 is over a reference limit, within the rounding of bf16: .*; if that is right, set rounding: 'aware'$/
    return ['a token within rounding', { dump, golden }, text, { dump, golden, options: { rounding: 'aware' } }]
  })(),
  (() => {
    const pairs = Array.from({ length: 12 }, (_, seed) => noisyPair(seed, 0.001, 12, 1.02))
    const golden = torchDump(pairs.map((pair) => ({ values: pair.golden })))
    const dump = torchDump(pairs.map((pair) => ({ values: pair.dump, dtype: 'bfloat16' as const })))
    const text = /^the dump's logits deviate 1\.02\d* times .*; if that is right, set the limits .* option thresholds$/
    const options: CompareOptions = { thresholds: { klDivergence: 0.005, cosineSimilarity: 0.999 } }
    return ['a factor on all logits', { dump, golden }, text, { dump, golden, options }]
  })(),
]

describe.each(GUESSES)('%s', (_, guess, text, confirmed) => {
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

  test.skipIf(confirmed === undefined)('is absent with the option that it names', () => {
    const { pass, warnings } = compare({ ...confirmed!, options: { ...confirmed!.options, strict: true } })
    expect({ pass, warnings }).toEqual({ pass: true, warnings: [] })
  })
})

/** The options that warnings name, as an object: `set loadDump's option prefill: 'last'`. */
function optionsIn(warnings: readonly string[]): LoadDumpOptions {
  const named = warnings.flatMap((text) => [...text.matchAll(/set loadDump's option (\w+): (?:'([^']*)'|(\d+))/g)])
  return Object.fromEntries(named.map(([, name, word, number]) => [name, word ?? Number(number)]))
}

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
  const second = compare({ dump, load: optionsIn(first.warnings), options: { strict: true } })
  expect(second).toMatchObject({ pass: true, warnings: [], counts: { passed: 3 } })
  // What was a warning is still said.
  expect(second.notes).toContainEqual(expect.stringContaining('execution 0 ignored as a warm-up'))
})

// The cases of layers, of calibrations and of the limits of a whole run are with their own tests.
test('every place in the code that makes a warning has a case above', () => {
  const root = join(import.meta.dirname, '../../src')
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  const places = files.flatMap((name) => {
    const count = readFileSync(join(root, name), 'utf8').match(/(?<!function )\bwarning\(/g)?.length ?? 0
    return count === 0 ? [] : [`${name.replaceAll(sep, '/')}: ${count}`]
  })
  expect(places.sort()).toMatchInlineSnapshot(`
    [
      "compare/align.ts: 3",
      "compare/baseline/judge.ts: 2",
      "compare/calibration/judge.ts: 2",
      "compare/comparable.ts: 2",
      "compare/conclude.ts: 2",
      "compare/equal-notes.ts: 2",
      "compare/known-notes.ts: 1",
      "compare/layers/compare-layers.ts: 1",
      "compare/pair-steps.ts: 1",
      "compare/run-limits.ts: 1",
      "compare/run-noise.ts: 1",
      "compare/sides.ts: 1",
      "compare/tally.ts: 1",
      "dumps/layouts/atb/plan.ts: 3",
      "dumps/layouts/layout.ts: 1",
      "dumps/layouts/torch/index.ts: 1",
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
