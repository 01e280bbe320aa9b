import { test } from 'node:test'
import { expect } from 'expect'
import { loadDump } from 'golden-logits'
import { matchers } from 'golden-logits/matchers'

expect.extend(matchers)

// shared

test('as an asymmetric matcher after .not', () => {
  expect({ logits: 'dump' }).toEqual({ logits: expect.not.toMatchGoldenLogits('golden') })
})
