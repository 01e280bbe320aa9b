import { describe, expect, test } from 'vitest'
import type { CompareOptions } from '../../../src/compare/options.js'
import { compareDumps } from '../../../src/index.js'
import { failureText } from '../../../src/report/message/failure.js'
import { logits } from '../../build/logits.js'
import { atbDump, type Step, torchDump } from '../../build/pair.js'

const row = (seed: number): Step => ({ values: logits(seed) })
const golden = [0, 1, 2].map(row)

function messageOf(dump: readonly Step[], options: CompareOptions): string {
  return failureText(compareDumps(atbDump(dump), torchDump(golden), { dtype: 'bf16', ...options }))
}

describe('whether both runs saw the same prefix depends on the decoding', () => {
  const lastIsOff = [row(0), row(1), row(9)]
  test.each<[string, CompareOptions, string]>([
    [
      'greedy is assumed, and said',
      {},
      'with greedy decoding (assumed; option decoding) both runs saw the same prefix: the',
    ],
    [
      'greedy',
      { decoding: 'greedy' },
      'so with greedy decoding both runs saw the same prefix: the fault is in the model',
    ],
    [
      'forced',
      { decoding: 'forced' },
      "(option decoding: 'forced'), so both saw the same prefix: the fault is in the model",
    ],
    [
      'sampled',
      { decoding: 'sampled', afterDivergence: 'gate' },
      'from token 1 on the two runs may have read different prefixes',
    ],
  ])('%s', (_, options, text) => {
    expect(messageOf(lastIsOff, options)).toContain(text)
  })

  test('a sampled run blames no layer, except at token 0', () => {
    expect(messageOf(lastIsOff, { decoding: 'sampled', afterDivergence: 'gate' })).not.toMatch(
      /the fault is in the model|compare all layers/,
    )
    const firstIsOff = [row(9), row(1), row(2)]
    expect(messageOf(firstIsOff, { decoding: 'sampled' })).toContain('Token 0 follows from the prompt alone')
  })

  test('an earlier flip matters to a greedy run, and not to a forced one', () => {
    // The flip at token 1 is within the limits.
    const tie = (first: number, second: number): Step => ({ values: [first, second, 0, 0, 0, 0, 0, 0] })
    const sides = [
      [row(0), tie(5.001, 5), row(9)],
      [row(0), tie(5, 5.001), row(2)],
    ] as const
    const message = (options: CompareOptions) => {
      const comparison = compareDumps(atbDump(sides[0]), torchDump(sides[1]), {
        dtype: 'bf16',
        afterDivergence: 'gate',
        ...options,
      })
      expect(comparison.firstFailure?.step).toBe(2)
      return failureText(comparison)
    }
    expect(message({})).toContain('Top-1 already differs at token 1')
    expect(message({})).toContain("feed both runs the same tokens and set decoding: 'forced'")
    expect(message({ decoding: 'forced' })).not.toContain('Top-1 already differs')
  })

  test('tokens that were not compared leave a greedy prefix unknown, and not a forced one', () => {
    const gap = [row(0), 'no tensor', row(9)]
    expect(messageOf(gap, {})).toContain('so whether both runs saw the same prefix is not known')
    expect(messageOf(gap, { decoding: 'forced' })).toContain('the fault is in the model')
  })
})

describe("afterDivergence: 'ignore'", () => {
  const diverges = [row(0), row(5), row(9)]
  test('excuses tokens after a flip of a greedy run, and none of a forced one', () => {
    const verdicts = (options: CompareOptions) => {
      const settings: CompareOptions = { dtype: 'bf16', afterDivergence: 'ignore', ...options }
      return compareDumps(atbDump(diverges), torchDump(golden), settings).tokens.map(({ verdict }) => verdict)
    }
    expect(verdicts({})).toEqual(['pass', 'over-threshold', 'not-comparable'])
    expect(verdicts({ decoding: 'greedy' })).toEqual(['pass', 'over-threshold', 'not-comparable'])
    expect(verdicts({ decoding: 'forced' })).toEqual(['pass', 'over-threshold', 'over-threshold'])
  })
})
