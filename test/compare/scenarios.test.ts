import { describe, expect, test } from 'vitest'
import type { CompareOptions } from '../../src/compare/options.js'
import { compareDumps, logitsOf } from '../../src/index.js'
import { noisyPair, roundTo } from '../fixtures/noise.js'

type Row = number[] | Float32Array
type Pair = readonly [golden: Row | undefined, dump: Row | undefined]

const bf16 = (row: Row) => Array.from(row, (logit) => roundTo('bf16', Math.fround(logit)))

/** An honest token: float32 against bf16 of the same text. */
function honest(seed: number, spread = 0.01): [number[], number[]] {
  const { golden, dump } = noisyPair(seed, spread)
  return [golden, dump]
}

/** A token of two texts. */
const others = (seed: number): Pair => [honest(seed)[0], honest(seed + 50)[1]]

const range = (count: number) => Array.from({ length: count }, (_, i) => i)

/** Eight tokens; from token 5 on `behind`. Token 4 has the logits of ids 7 and 8 on each side. */
function runs(
  tops: readonly [golden: readonly number[], dump: readonly number[]],
  behind: (seed: number) => Pair,
): Pair[] {
  const [golden, dump] = honest(4)
  for (const [i, id] of [7, 8].entries()) {
    golden[id] = tops[0][i]!
    dump[id] = tops[1][i]!
  }
  return [...range(4).map((seed): Pair => honest(seed)), [golden, dump], ...[5, 6, 7].map(behind)]
}

function shuffled(row: Row): number[] {
  return Array.from(row, (_, i) => row[(i * 7) % row.length]!)
}

// bf16 numbers in [8, 16) are 1/16 apart.
const NEAR_TIE = [
  [12, 11.97],
  [11.9375, 12],
] as const
const SMALL_GAP = [
  [12, 11.97],
  [11, 12],
] as const

const sameIds = range(8)
const otherIds = [0, 1, 9, 9, 9, 9, 9, 9]

/** What happens under each policy: the verdict of the comparison, and how many tokens it judged. */
const SCENARIOS: readonly [
  name: string,
  pairs: Pair[],
  options: CompareOptions,
  auto: string,
  gate: string,
  ignore: string,
][] = [
  ['clean', range(8).map((seed) => honest(seed)), {}, 'pass of 8', 'pass of 8', 'pass of 8'],
  [
    'drift without a flip',
    range(8).map((seed) => honest(seed, seed < 5 ? 0.01 : 0.2)),
    {},
    'fail at 5',
    'fail at 5',
    'fail at 5',
  ],
  ['a near-tie and another text behind it', runs(NEAR_TIE, others), {}, 'pass of 5', 'fail at 5', 'pass of 5'],
  [
    'runs of different length behind a near-tie',
    runs(NEAR_TIE, (seed) => [seed < 6 ? honest(seed)[0] : undefined, others(seed)[1]]),
    {},
    'pass of 5',
    'fail at 5',
    'pass of 5',
  ],
  [
    'an exact tie of the golden',
    runs(
      [
        [12, 12],
        [11.9375, 12],
      ],
      others,
    ),
    {},
    'pass of 5',
    'fail at 5',
    'pass of 5',
  ],
  [
    'an exact tie of the dump',
    runs(
      [
        [11.97, 12],
        [12, 12],
      ],
      others,
    ),
    {},
    'pass of 5',
    'fail at 5',
    'pass of 5',
  ],
  ['a real flip with a small golden gap', runs(SMALL_GAP, others), {}, 'fail at 4', 'fail at 4', 'fail at 4'],
  [
    'a near-tie before the token over threshold, fed the same tokens',
    runs(NEAR_TIE, (seed) => honest(seed, seed === 6 ? 0.3 : 0.01)),
    { decoding: 'forced' },
    'fail at 6',
    'fail at 6',
    'fail at 6',
  ],
  [
    'a sampled run without ids',
    [...range(2).map((seed): Pair => honest(seed)), ...[2, 3, 4].map(others)],
    { decoding: 'sampled' },
    'inconclusive',
    'fail at 2',
    'fail at 2',
  ],
  [
    'a sampled run whose ids part at token 2',
    [...range(3).map((seed): Pair => honest(seed)), ...[3, 4].map(others)],
    { decoding: 'sampled', tokenIds: { golden: sameIds, dump: otherIds }, minComparable: 3 },
    'pass of 3',
    'fail at 3',
    'fail at 3',
  ],
  [
    'a sampled run with the same ids',
    range(8).map((seed) => honest(seed)),
    { decoding: 'sampled', tokenIds: { golden: sameIds, dump: sameIds } },
    'pass of 8',
    'pass of 8',
    'pass of 8',
  ],
  [
    'forced, with a near-tie',
    runs(NEAR_TIE, (seed) => honest(seed)),
    { decoding: 'forced' },
    'pass of 8',
    'pass of 8',
    'pass of 8',
  ],
  [
    'a near-tie at token 1',
    [honest(0), runs(NEAR_TIE, others)[4]!, ...[2, 3, 4].map(others)],
    {},
    'inconclusive',
    'fail at 2',
    'pass of 2',
  ],
  [
    'a constant shift',
    range(8).map((seed): Pair => [honest(seed)[0], honest(seed)[1].map((logit) => logit + 2)]),
    {},
    'warning of 8',
    'warning of 8',
    'warning of 8',
  ],
  [
    'one factor on all',
    range(12).map((seed): Pair => [honest(seed)[0], bf16(honest(seed)[0].map((logit) => 1.02 * logit))]),
    {},
    'warning of 12',
    'warning of 12',
    'warning of 12',
  ],
  [
    'a shuffled row',
    range(8).map((seed): Pair => [honest(seed)[0], seed === 5 ? shuffled(honest(seed)[1]) : honest(seed)[1]]),
    {},
    'fail at 5',
    'fail at 5',
    'fail at 5',
  ],
]

describe.each(SCENARIOS)('%s', (_, pairs, options, auto, gate, ignore) => {
  test.each([
    ['auto', auto],
    ['gate', gate],
    ['ignore', ignore],
  ] as const)("afterDivergence: '%s' gives %s", (afterDivergence, expected) => {
    expect(outcome(pairs, { ...options, afterDivergence })).toBe(expected)
  })
})

/** `pass of N`, `warning of N` (a pass with a warning that is not about the divergence), `fail at` a token, `inconclusive`. */
function outcome(pairs: readonly Pair[], options: CompareOptions): string {
  const side = (index: 0 | 1) => {
    const rows = pairs.flatMap((pair) => (pair[index] === undefined ? [] : [Float32Array.from(pair[index])]))
    return logitsOf(rows.map((data) => ({ data, dims: [1, data.length], dtype: 'float32' })))
  }
  const comparison = compareDumps(side(1), side(0), { dtype: 'bf16', ...options })
  const { pass, firstFailure, inconclusive, counts, tokens, warnings } = comparison
  expect(counts.compared + counts.failed + counts.missing + counts.extra + counts.unreadable).toBe(counts.total)
  expect(pass).toBe(firstFailure === undefined && inconclusive === undefined)
  if (firstFailure) return `fail at ${firstFailure.step}`
  if (inconclusive !== undefined) {
    expect(inconclusive).toMatch(/^\d+ of \d+ tokens (is|are) comparable, since .* decoding: 'forced'/)
    return 'inconclusive'
  }
  const judged = tokens.filter(({ verdict }) => verdict !== 'not-comparable').length
  const others = warnings.filter((text) => !/not comparable|excused after it|do not line up/.test(text))
  return `${others.length > 0 ? 'warning' : 'pass'} of ${judged}`
}
