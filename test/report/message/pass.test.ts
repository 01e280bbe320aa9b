import { expect, test } from 'vitest'
import { compareDumps } from '../../../src/index.js'
import { passText } from '../../../src/report/message/pass.js'
import { logits } from '../../build/logits.js'
import { atbDump, torchDump } from '../../build/pair.js'

const row = (seed: number) => ({ values: logits(seed) })

test('one token', () => {
  const comparison = compareDumps(atbDump([row(1)]), torchDump([row(1)]), { dtype: 'bf16' })
  expect(passText(comparison)).toMatchInlineSnapshot(`
    "The one token compared is within the limits:

      highest KL divergence      0 at token 0   (limit 0.005, bf16)
      lowest cosine similarity   1 at token 0   (limit 0.999)

    If the two runs still print different texts, the fault is not in the model but in post-processing: temperature, top-k, top-p or their implementation.

      note: the one token has the same logits on both sides, bit for bit: one dump may be a copy of the other; if that is right, set identical: 'allow'"
  `)
})

test('tokens that an option excuses are counted apart, and are never the worst passing token', () => {
  const golden = torchDump([{ values: [3, 2.99, 0] }, row(1), row(2), row(3)])
  const dump = atbDump([{ values: [2.99, 3, 0] }, row(8), row(2)])
  const comparison = compareDumps(dump, golden, { dtype: 'bf16', afterDivergence: 'ignore' })
  expect(comparison.pass).toBe(true)
  expect(passText(comparison)).toMatchInlineSnapshot(`
    "All 2 tokens compared are within the limits, and 1 more is not comparable, and 1 more is excused by the options:

      highest KL divergence      0.0000487791 at token 0   (limit 0.005, bf16)
      lowest cosine similarity   0.999994 at token 0   (limit 0.999)

    If the two runs still print different texts, the fault is not in the model but in post-processing: temperature, top-k, top-p or their implementation.

      note: the steps do not line up, and the steps of the dump are assumed (its first is taken for token 0); if that is right, set loadDump's option firstStep: 0; if it is wrong, the right number
      note: top-1 differs at token 0: 2 failing tokens are excused after it (afterDivergence: 'ignore'); if that is right, set steps: { to: 0 }"
  `)
})
