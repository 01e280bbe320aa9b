import { describe, expect, test } from 'vitest'
import { type CompareOptions, compareDumps } from '../../src/index.js'
import { narrowDtype } from '../../src/tensor/narrow-values.js'
import { logits, rawOf, type Tensor } from '../build/logits.js'
import { torchDump } from '../build/pair.js'

/** Zeroes the last bits of float32 numbers: 16 make bfloat16 numbers, 13 float16 numbers. */
function rounded(values: readonly number[], zeroBits: number): number[] {
  const bits = new Uint32Array(Float32Array.from(values).buffer)
  return [...new Float32Array(bits.map((word) => (word >>> zeroBits) << zeroBits).buffer)]
}

describe('a float32 row that was saved from a narrower type', () => {
  const values = logits(1, 64)
  const dtypeOf = (row: readonly number[], dtype: Tensor['dtype'] = 'float32') => {
    return narrowDtype(rawOf(row, dtype), dtype, row.length)
  }

  test.each([
    ['bfloat16 numbers', rounded(values, 16), 'bfloat16'],
    ['float16 numbers', rounded(values, 13), 'float16'],
    ['with masked ids', [...rounded(values, 16).slice(1), Number.NEGATIVE_INFINITY], 'bfloat16'],
    ['the smallest float16 number', [...rounded(values, 13).slice(1), 2 ** -24], 'float16'],
    ['half of it', [...rounded(values, 13).slice(1), 1.5 * 2 ** -24], undefined],
    ['beyond float16', [...rounded(values, 13).slice(1), 65536 + 32], undefined],
    ['float32 numbers', values, undefined],
    ['one float32 number', [...rounded(values, 16).slice(1), 0.1], undefined],
    ['whole numbers', Array.from({ length: 300 }, (_, i) => ((i * 7) % 250) - 100), undefined],
    ['multiples of 1/8', Array.from({ length: 300 }, (_, i) => ((i * 7) % 250) / 8), undefined],
    ['too few numbers', rounded(values, 16).slice(1), undefined],
  ])('%s', (_, row, expected) => {
    expect(dtypeOf(row)).toBe(expected)
  })

  test('no other dtype', () => {
    expect(dtypeOf(rounded(values, 16), 'float64')).toBeUndefined()
  })

  const golden = [1, 2, 3, 4].map((seed) => logits(seed, 64))
  const sides = (change: (row: number[], step: number) => number[], options: CompareOptions = {}) =>
    compareDumps(
      torchDump(golden.map((row, step) => ({ values: change(row, step) }))),
      torchDump(golden.map((row) => ({ values: row }))),
      { decoding: 'forced', ...options },
    )

  test.each([
    ['bf16', 16, 'bfloat16'],
    ['fp16', 13, 'float16'],
  ] as const)('has the limits of %s, and a note says so', (precision, zeroBits, dtype) => {
    const comparison = sides((row) => rounded(row, zeroBits))
    expect(comparison.thresholds.precision).toBe(precision)
    const text = `dump: all float32 values are ${dtype} numbers, so they count as ${dtype}`
    expect(comparison.notes).toContain(`${text}; if they were computed in float32, set the option dtype: 'fp32'`)
    expect(comparison.warnings).toEqual([])
  })

  test('the option dtype decides, and the note names it no longer', () => {
    const { thresholds, notes } = sides((row) => rounded(row, 16), { dtype: 'fp32' })
    expect(thresholds.precision).toBe('fp32')
    expect(notes).toContain('dump: all float32 values are bfloat16 numbers')
  })

  test('one row of float32 numbers shows that the side was not rounded', () => {
    const comparison = sides((row, step) => (step === 2 ? row : rounded(row, 16)))
    expect(comparison.thresholds.precision).toBe('fp32')
    expect(comparison.notes.join()).not.toContain('all float32 values')
  })
})

test('rows that were rounded are not judged by their noise if the side counts as finer', () => {
  const whole = [1, 2].map((seed) => logits(seed, 300))
  const mixed = (change: (row: number[]) => number[]) => [rounded(change(whole[0]!), 16), rounded(whole[1]!, 13)]
  const dumpOf = (rows: number[][]) => torchDump(rows.map((values) => ({ values })))
  const noisy = (row: number[]) => row.map((value, i) => value + 0.1 * Math.sin(7 * i))
  const options = { afterDivergence: 'gate' } as const
  const comparison = compareDumps(dumpOf(mixed(noisy)), dumpOf(mixed((row) => row)), options)
  expect(comparison.thresholds.precision).toBe('fp16')
  expect(comparison.tokens[0]).toMatchObject({ verdict: 'over-threshold' })
  expect(comparison.tokens[0]!.noise).toBeUndefined()
  // By itself the row counts as bf16, which has noise.
  const alone = compareDumps(dumpOf([mixed(noisy)[0]!]), dumpOf([mixed((row) => row)[0]!]), options)
  expect(alone.thresholds.precision).toBe('bf16')
  expect(alone.tokens[0]!.noise).toBeDefined()
})

describe('log-probabilities', () => {
  const logSoftmax = (row: number[]) => {
    const sum = Math.log(row.reduce((total, value) => total + Math.exp(value), 0))
    return row.map((value) => value - sum)
  }
  const text =
    'the values are log-probabilities: KL divergence is that of the logits, cosine similarity is not, as it changes if a constant is added to a row'
  const notesOf = (golden: number[], dump: number[]) =>
    compareDumps(torchDump([{ values: dump }]), torchDump([{ values: golden }]), { dtype: 'bf16' }).notes

  test('are recognised on each side, and said', () => {
    const row = logits(1, 64)
    expect(notesOf(logSoftmax(row), row)).toContain(`token 0: golden: ${text}`)
    expect(notesOf(row, logSoftmax(row))).toContain(`token 0: dump: ${text}`)
    expect(notesOf(row, row).join()).not.toContain('log-probabilities')
    const max = Math.max(...row)
    // An engine that subtracts the maximum, on a token that is certain.
    const certain = row.map((value) => (value === max ? 0 : value - max - 30))
    expect(notesOf(certain, certain).join()).not.toContain('log-probabilities')
    const negative = row.map((value) => value - 30)
    expect(notesOf(negative, negative).join()).not.toContain('log-probabilities')
  })
})
