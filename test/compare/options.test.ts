import { expect, test } from 'vitest'
import { type CompareOptions, checkOptions } from '../../src/compare/options.js'
import { inferPrecision, thresholdsOf } from '../../src/compare/thresholds.js'
import { GoldenLogitsError } from '../../src/errors.js'

const wrong: [unknown, string][] = [
  [
    { dtyp: 'bf16' },
    "there is no option 'dtyp'; there are dtype, thresholds, metrics, steps, vocabSize, missing, extra, identical, repeatedRows, afterDivergence, decoding, tokenIds, minComparable, rounding, rule, calibration, baseline, baselineFactor, model, device, tensorParallel, strict, threads",
  ],
  [{ rule: 'msit' }, "rule must be 'logitscmp', got 'msit'"],
  [{ rule: 'logitscmp', rounding: 'aware' }, "rule 'logitscmp' has its own limits: leave out rounding: 'aware'"],
  [
    { dtype: 'int8' },
    "dtype must be one of bf16, fp16, fp32 or an alias (bfloat16, float16, half, float32, float, float64, each also as torch.*), got 'int8'",
  ],
  [
    { dtype: 16 },
    'dtype must be one of bf16, fp16, fp32 or an alias (bfloat16, float16, half, float32, float, float64, each also as torch.*), got 16',
  ],
  [
    { thresholds: { kl: 1 } },
    "there is no threshold 'kl'; there are cosineSimilarity, klDivergence, meanKl, p99Kl, top1Agreement, reverseKlDivergence, jensenShannonDivergence, totalVariation, top10Overlap, top10Order, goldenTop1Rank, goldenTop1DeltaP, l1Norm, ulpMaxDiff",
  ],
  [{ thresholds: 0.1 }, 'thresholds must be an object such as { klDivergence: 0.01 }, got 0.1'],
  [{ thresholds: { klDivergence: 0 } }, 'the threshold klDivergence must be a number above 0, got 0'],
  [{ thresholds: { klDivergence: Number.NaN } }, 'the threshold klDivergence must be a number above 0, got NaN'],
  [{ thresholds: { cosineSimilarity: 1 } }, 'the threshold cosineSimilarity must be a number in [-1, 1), got 1'],
  [
    { thresholds: { cosineSimilarity: '0.9' } },
    "the threshold cosineSimilarity must be a number in [-1, 1), got '0.9'",
  ],
  [{ vocabSize: 0 }, 'vocabSize must be a whole number from 1, got 0'],
  [{ steps: [] }, 'steps must list whole numbers from 0, got an empty list'],
  [{ steps: [1, -2] }, 'steps must list whole numbers from 0, got -2'],
  [{ steps: { from: 3, to: 1 } }, 'steps must run from a whole number to one that is not below it, got 3 to 1'],
  [{ steps: { until: 1 } }, "there is no end of steps 'until'; there are from, to"],
  [{ steps: 3 }, 'steps must be a list or { from, to }, got 3'],
  [{ missing: 'ignore' }, "missing must be 'fail' or 'allow', got 'ignore'"],
  [{ identical: true }, "identical must be 'warn' or 'allow', got true"],
  [{ repeatedRows: 'fail' }, "repeatedRows must be 'warn' or 'allow', got 'fail'"],
  [{ afterDivergence: true }, "afterDivergence must be 'auto', 'gate' or 'ignore', got true"],
  [{ decoding: 'beam' }, "decoding must be 'greedy', 'sampled' or 'forced', got 'beam'"],
  [{ strict: 'yes' }, "strict must be true or false, got 'yes'"],
  [{ threads: 0 }, 'threads must be a whole number from 1 to 64, got 0'],
  [{ threads: 65 }, 'threads must be a whole number from 1 to 64, got 65'],
  [{ threads: 1.5 }, 'threads must be a whole number from 1 to 64, got 1.5'],
  [{ threads: '2' }, "threads must be a whole number from 1 to 64, got '2'"],
  [null, "the options must be an object such as { dtype: 'bf16' }, got null"],
  ['bf16', "the options must be an object such as { dtype: 'bf16' }, got 'bf16'"],
]

test.each(wrong)('%j is refused', (options, message) => {
  let error: unknown
  try {
    checkOptions(options as CompareOptions)
  } catch (caught) {
    error = caught
  }
  expect(error).toBeInstanceOf(GoldenLogitsError)
  expect(error).toMatchObject({ code: 'invalid-argument', message })
})

test.each([
  ['bf16', 'bf16'],
  ['BFloat16', 'bf16'],
  ['torch.bfloat16', 'bf16'],
  ['half', 'fp16'],
  ['torch.float16', 'fp16'],
  ['float32', 'fp32'],
  ['float64', 'fp32'],
])('the dtype %s gates as %s', (dtype, precision) => {
  expect(checkOptions({ dtype: dtype as 'bf16' }).precision).toBe(precision)
})

test('the coarsest float dtype is inferred; integers leave it to the other side', () => {
  expect(inferPrecision(['float32', 'bfloat16', 'float16'])).toBe('bf16')
  expect(inferPrecision(['float64', 'float16'])).toBe('fp16')
  expect(inferPrecision(['int8', 'float32'])).toBe('fp32')
  expect(() => inferPrecision(['int8', 'int32'])).toThrow(
    /both dumps hold integers \(int8, int32\).* set the option dtype/,
  )
})

test('limits of the reference guide, each replaceable', () => {
  expect(thresholdsOf('bf16', {})).toEqual({ precision: 'bf16', klDivergence: 0.005, cosineSimilarity: 0.999 })
  expect(thresholdsOf('fp16', {})).toEqual({ precision: 'fp16', klDivergence: 0.0001, cosineSimilarity: 0.999 })
  expect(thresholdsOf('fp32', { klDivergence: 0.3 })).toEqual({
    precision: 'fp32',
    klDivergence: 0.3,
    cosineSimilarity: 0.999,
  })
})
