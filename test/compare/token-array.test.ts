import { inspect, isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import { withTokenArray } from '../../src/compare/token-array.js'
import type { Comparison, ListedComparison, TokenComparison } from '../../src/compare/types.js'
import { listOf } from '../../src/lib/lazy-list.js'

function tokenAt(step: number): TokenComparison {
  return { step, verdict: 'missing', pass: step !== 2, reason: `token ${step}` }
}

const counts = {
  total: 4,
  compared: 0,
  passed: 0,
  overThreshold: 0,
  diverged: 0,
  failed: 0,
  missing: 4,
  extra: 0,
  unreadable: 0,
}

/** A comparison of four tokens, the third of which fails, as a list; `made` counts the tokens made. */
function listed(): { comparison: ListedComparison; made: () => number } {
  let made = 0
  const tokens = listOf(4, (step) => {
    made++
    return tokenAt(step)
  })
  const thresholds = { precision: 'bf16', klDivergence: 0.005, cosineSimilarity: 0.999 } as const
  const rest = { counts, thresholds, notes: ['a note'], goldenPath: 'g', dumpPath: 'd' }
  return { comparison: { pass: false, tokens, firstFailure: tokenAt(2), ...rest }, made: () => made }
}

/** The same with every token in an array from the start. */
function plain(): Comparison {
  const { comparison } = listed()
  const firstFailure = tokenAt(2)
  return { ...comparison, firstFailure, tokens: [tokenAt(0), tokenAt(1), firstFailure, tokenAt(3)] }
}

test('a comparison makes its tokens when they are first looked at, once', () => {
  const { comparison, made } = listed()
  const found = withTokenArray(comparison)
  expect([found.pass, found.counts.total, found.firstFailure!.step, found.notes]).toEqual([false, 4, 2, ['a note']])
  expect(made()).toBe(0)
  expect(Array.isArray(found.tokens)).toBe(true)
  expect(found.tokens).toBe(found.tokens)
  expect(found.tokens.map(({ step }) => step)).toEqual([0, 1, 2, 3])
  expect(made()).toBe(4)
})

test('the first failure is one of the tokens', () => {
  const found = withTokenArray(listed().comparison)
  expect(found.tokens[2]).toBe(found.firstFailure)
})

test.each<[string, (comparison: Comparison) => unknown]>([
  ['a spread', (comparison) => ({ ...comparison })],
  ['Object.assign', (comparison) => Object.assign({}, comparison)],
  ['JSON', (comparison) => JSON.stringify(comparison)],
  ['structuredClone', (comparison) => structuredClone(comparison)],
  ['the names of its fields', (comparison) => Object.keys(comparison)],
  ['its entries', (comparison) => Object.entries(comparison)],
  ['util.inspect', (comparison) => inspect(comparison, { depth: 5 })],
  ['a frozen one', (comparison) => Object.freeze(comparison).tokens],
])('%s is that of plain data', (_, of) => {
  expect(of(withTokenArray(listed().comparison))).toStrictEqual(of(plain()))
})

test('it equals plain data, and differs where a token does', () => {
  const found = withTokenArray(listed().comparison)
  expect(found).toEqual(plain())
  expect(found).toStrictEqual(plain())
  expect(isDeepStrictEqual(withTokenArray(listed().comparison), plain())).toBe(true)
  const other = plain()
  other.tokens[3]!.reason = 'another'
  expect(withTokenArray(listed().comparison)).not.toEqual(other)
  expect(isDeepStrictEqual(withTokenArray(listed().comparison), other)).toBe(false)
})

test('its tokens may be replaced, as those of any object', () => {
  const found = withTokenArray(listed().comparison)
  found.tokens = found.tokens.filter(({ pass }) => !pass)
  expect(found.tokens.map(({ step }) => step)).toEqual([2])
  expect(JSON.parse(JSON.stringify(found)).tokens).toHaveLength(1)
})
