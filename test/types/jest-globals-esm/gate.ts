import { expect, test } from '@jest/globals'
import { loadDump } from 'golden-logits'
import 'golden-logits/jest'
import { matchers } from 'golden-logits/matchers'

// shared

test('as an asymmetric matcher', () => {
  expect({ logits: 'dump' }).toEqual({ logits: expect.toMatchGoldenLogits('golden', { dtype: 'bf16' }) })
  expect({ logits: 'dump' }).toEqual({ logits: expect.not.toMatchGoldenLogits('golden') })
  // @ts-expect-error TS2561 an option misspelt
  expect({ logits: 'dump' }).toEqual({ logits: expect.toMatchGoldenLogits('golden', { dtpye: 'bf16' }) })
  // @ts-expect-error TS2554 no golden
  expect({ logits: 'dump' }).toEqual({ logits: expect.toMatchGoldenLogits() })
})

expect.extend(matchers)
