import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type CompareOptions, GoldenLogitsError, loadDump } from '../../src/index.js'
import type { MatcherContext } from '../../src/matchers/types.js'
import { toMatchGoldenLogits } from '../../src/matchers.js'
import { logits } from '../build/logits.js'
import { atbDump, torchDump } from '../build/pair.js'
import '../../src/vitest.js'
import { tree } from '../fixtures/trees.js'
import { expectRefusal, refusalOf } from '../formats/build/refusal.js'

const GOLDEN = tree('b_token3_degraded', 'golden')
const BAD = tree('b_token3_degraded', 'my')
const GOOD = tree('a_clean_f32_vs_f16', 'my')
const GOOD_GOLDEN = tree('a_clean_f32_vs_f16', 'golden')

/** The matcher as a runner calls it, without one. */
function call(dump: unknown, golden: unknown, options?: unknown, context: Partial<MatcherContext> = {}) {
  return toMatchGoldenLogits.call(
    { isNot: false, ...context } as MatcherContext,
    dump as string,
    golden as string,
    options as CompareOptions,
  )
}

/** What a failing assertion says, without colours. */
function failureOf(body: () => void): string {
  try {
    body()
  } catch (error) {
    expect(error).not.toBeInstanceOf(GoldenLogitsError)
    return (error as Error).message.replace(/\u001b\[\d+m/g, '')
  }
  throw new Error('did not fail')
}

describe('in the runner', () => {
  test('passes, with dumps or paths on either side', () => {
    expect(GOOD).toMatchGoldenLogits(GOOD_GOLDEN)
    expect(loadDump(GOOD)).toMatchGoldenLogits(loadDump(GOOD_GOLDEN), { dtype: 'bf16' })
    expect(join(GOOD, 'msit_dump_*/tensors/0_*')).toMatchGoldenLogits(loadDump(GOOD_GOLDEN), { dtype: 'fp16' })
  })

  test('fails, and says where the model goes wrong', () => {
    expect(failureOf(() => expect(BAD).toMatchGoldenLogits(GOLDEN, { dtype: 'bf16' }))).toMatchInlineSnapshot(`
      "expect(dump).toMatchGoldenLogits(golden, { dtype: 'bf16' })

      First token over threshold: token 3     (12 tokens compared, 1 over, 0 missing)

        cosine similarity   0.975473    must be > 0.999
        KL divergence       19.4995     must be < 0.005 (bf16)
        top-1               golden 589 (16.97) → dump 61 (14.45)   flipped; gaps 2.514 + 21.98 = 24.5 (196 ULP of bf16), not a near-tie: rounding explains 0.25
        KL by token         ▁▁▁█▁▁▁▁▁▁▁▁
        golden  …/golden/…/torch_tensors/cuda0_66245/3/root.lm_head/output.pth                     float32 [1, 640]
        dump    …/my/msit_dump_20250301_113000/tensors/0_1445461/3/33_LmHead/after/outtensor0.bin  float16 [1, 640]

      Tokens 0 to 2 agree in top-1, so with greedy decoding (assumed; option decoding) both runs saw the same prefix: the fault is in the model. Next: compare all layers at token 3.

        KL of 12 tokens     mean 1.62 ± 1.62, median 6.01e-7, 90 % 0.0000141, highest 19.5 at token 3
        same top-1          91.7 ± 8.33 % of 12"
    `)
  })

  test('.not passes where the logits differ', () => {
    expect(BAD).not.toMatchGoldenLogits(GOLDEN, { dtype: 'bf16' })
  })

  test('.not fails where they do not, and looks for the fault elsewhere', () => {
    expect(
      failureOf(() => expect(GOOD).not.toMatchGoldenLogits(GOOD_GOLDEN, { dtype: 'bf16' })),
    ).toMatchInlineSnapshot(`
      "expect(dump).not.toMatchGoldenLogits(golden, { dtype: 'bf16' })

      All 12 tokens compared are within the limits:

        highest KL divergence      0.0000151921 at token 4   (limit 0.005, bf16)
        lowest cosine similarity   0.9999996 at token 10   (limit 0.999)

        KL of 12 tokens     mean 0.0000024 ± 0.00000124, median 6.01e-7, 90 % 0.00000416, highest 0.0000152 at token 4
        same top-1          100 ± 0 % of 12

      If the two runs still print different texts, the fault is not in the model but in post-processing: temperature, top-k, top-p or their implementation."
    `)
  })

  test('as an asymmetric matcher', () => {
    const asymmetric = expect as unknown as {
      toMatchGoldenLogits(golden: string): unknown
      not: { toMatchGoldenLogits(golden: string): unknown }
    }
    expect({ dump: GOOD }).toEqual({ dump: asymmetric.toMatchGoldenLogits(GOOD_GOLDEN) })
    expect({ dump: BAD }).toEqual({ dump: asymmetric.not.toMatchGoldenLogits(GOLDEN) })
    expect({ dump: BAD }).not.toEqual({ dump: asymmetric.toMatchGoldenLogits(GOLDEN) })
  })

  test('behind .resolves', async () => {
    await expect(Promise.resolve(GOOD)).resolves.toMatchGoldenLogits(GOOD_GOLDEN)
  })
})

describe('what it returns', () => {
  test('is a verdict and a text that is made when it is asked for, never the logits', () => {
    for (const result of [call(GOOD, GOOD_GOLDEN), call(BAD, GOLDEN)]) {
      expect(Object.keys(result).sort()).toEqual(['message', 'pass'])
      expect(result.message()).toBe(result.message())
    }
    expect(call(GOOD, GOOD_GOLDEN).pass).toBe(true)
    expect(call(BAD, GOLDEN).pass).toBe(false)
  })

  test('the call as it was written leads the message', () => {
    const first = (options?: object, context: Partial<MatcherContext> = {}) =>
      call(BAD, GOLDEN, options, context).message().split('\n')[0]
    expect(first()).toBe('expect(dump).toMatchGoldenLogits(golden)')
    expect(first({ dtype: 'bf16', steps: { from: 1 } })).toBe(
      "expect(dump).toMatchGoldenLogits(golden, { dtype: 'bf16', steps: { from: 1 } })",
    )
    expect(first({}, { promise: 'resolves' })).toBe('expect(dump).resolves.toMatchGoldenLogits(golden)')
    expect(first({}, { isNot: true })).toBe('expect(dump).not.toMatchGoldenLogits(golden)')
    expect(first({ steps: Array.from({ length: 100 }, (_, i) => i % 12) })).toBe(
      'expect(dump).toMatchGoldenLogits(golden, { … })',
    )
  })
})

describe('misuse is an error, with .not and without', () => {
  const nowhere = join(mkdtempSync(join(tmpdir(), 'golden-logits-')), 'nowhere')
  const promise = Promise.resolve(loadDump(GOOD))

  test.each<[string, unknown, unknown, unknown, string]>([
    ['an unknown option', GOOD, GOOD_GOLDEN, { dtyp: 'bf16' }, "there is no option 'dtyp'; there are dtype"],
    [
      'an unknown dtype',
      GOOD,
      GOOD_GOLDEN,
      { dtype: 'bf61' },
      "dtype must be one of bf16, fp16, fp32 or an alias (bfloat16, float16, half, float32, float, float64, each also as torch.*), got 'bf61'",
    ],
    [
      'options that are no object',
      GOOD,
      GOOD_GOLDEN,
      'bf16',
      "the options must be an object such as { dtype: 'bf16' }, got 'bf16'",
    ],
    ['null for options', GOOD, GOOD_GOLDEN, null, "the options must be an object such as { dtype: 'bf16' }, got null"],
    [
      'no golden',
      GOOD,
      undefined,
      undefined,
      'the golden must be a path or what loadDump or logitsOf returned, got undefined',
    ],
    [
      'a number',
      3,
      GOOD_GOLDEN,
      undefined,
      'the dump must be a path or what loadDump or logitsOf returned, got number',
    ],
    [
      'an array',
      [1, 2],
      GOOD_GOLDEN,
      undefined,
      'the dump must be a path or what loadDump or logitsOf returned, got a Array',
    ],
    [
      'a promise',
      promise,
      GOOD_GOLDEN,
      undefined,
      'got a Promise (loadDump is synchronous: there is nothing to await)',
    ],
    ['an object without a prototype', Object.create(null), GOOD_GOLDEN, undefined, 'got a bare object'],
  ])('%s', (_, dump, golden, options, message) => {
    for (const isNot of [false, true]) {
      const error = refusalOf(() => call(dump, golden, options, { isNot }))
      expect(error.code).toBe('invalid-argument')
      expect(error.message).toContain(message)
    }
  })

  test('a path to nothing, an empty path, an empty dump', () => {
    for (const isNot of [false, true]) {
      expectRefusal(
        () => call(nowhere, GOLDEN, {}, { isNot }),
        'file-not-found',
        'there is no such file or folder',
        nowhere,
      )
      expect(refusalOf(() => call('', GOLDEN, {}, { isNot })).code).toBe('invalid-argument')
      const empty = { ...loadDump(GOOD), steps: [] }
      expectRefusal(() => call(empty, GOLDEN, {}, { isNot }), 'nothing-to-compare', 'the dump holds no step', GOOD)
    }
    expect(existsSync(nowhere)).toBe(false)
  })

  test('a step that is there twice', () => {
    const dump = loadDump(GOOD)
    const twice = { ...dump, steps: [...dump.steps, dump.steps.at(3)!] }
    expectRefusal(() => call(twice, GOOD_GOLDEN), 'invalid-argument', 'the dump has token 3 twice (', GOOD)
    const odd = { ...dump, steps: [{ ...dump.steps.at(0)!, step: 1.5 }] }
    expectRefusal(() => call(GOOD, odd), 'invalid-argument', 'a step of the golden has the number 1.5', GOOD)
  })

  test('in the runner, .not turns none of it into a pass', () => {
    expect(() => expect(nowhere).not.toMatchGoldenLogits(GOLDEN)).toThrow(GoldenLogitsError)
    expect(() => expect(GOOD).not.toMatchGoldenLogits(GOOD_GOLDEN, { dtype: 'bf61' as 'bf16' })).toThrow(
      GoldenLogitsError,
    )
    expect(() => expect([1]).not.toMatchGoldenLogits(GOLDEN)).toThrow(GoldenLogitsError)
  })
})

describe('.not needs logits that were read and differ', () => {
  const row = { values: logits(1) }
  const golden = torchDump([row, row])

  test.each([
    ['unreadable', [row, 'no tensor'], 'token 1 is unreadable: '],
    ['unreadable beside one that differs', [{ values: logits(2) }, 'no tensor'], 'token 1 is unreadable: '],
    ['missing', [row, null], 'token 1 is missing: the golden holds token 1, the dump does not'],
    ['NaN', [row, { values: logits(1).with(0, Number.NaN) }], 'token 1 is non-finite: dump holds 1 NaN'],
    [
      'NaN beside one that differs',
      [{ values: logits(2) }, { values: logits(1).with(0, Number.NaN) }],
      'token 1 is non-',
    ],
    ['all logits equal', [row, { values: Array(8).fill(2) }], 'token 1 is no-information: dump: all logits are equal'],
    ['all zero beside one that differs', [{ values: logits(2) }, { values: Array(8).fill(0) }], 'token 1 is no-info'],
    ['shape-mismatch', [row, { values: logits(1, 9) }], 'token 1 is shape-mismatch: vocabularies differ'],
  ])('%s', (_, dump, text) => {
    const path = atbDump(dump)
    expect(call(path, golden, { dtype: 'bf16' }).pass).toBe(false)
    const error = refusalOf(() => call(path, golden, { dtype: 'bf16' }, { isNot: true }))
    expect(error).toMatchObject({ code: 'nothing-to-compare', file: path })
    expect(error.message).toContain(
      '.not.toMatchGoldenLogits needs logits that were read and differ, but the result is ',
    )
    expect(error.message).toContain(text)
  })

  test('rows of logits that differ are enough, beside equal ones', () => {
    expect(call(atbDump([row, { values: logits(2) }]), golden, {}, { isNot: true }).pass).toBe(false)
  })

  test('tokens of one side alone that are allowed', () => {
    const allowed = call(atbDump([null, null, row]), golden, { missing: 'allow', extra: 'allow' })
    expect(allowed.pass).toBe(false)
    expect(allowed.message()).toContain('No token was compared     (0 tokens compared, 0 over, 2 missing, 1 extra)')
  })
})
