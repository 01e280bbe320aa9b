import { expect, test } from '@jest/globals'
import { loadDump } from 'golden-logits'
import 'golden-logits/jest'
import { matchers } from 'golden-logits/matchers'

// shared

test('as an asymmetric matcher after .not', () => {
  expect({ logits: 'dump' }).toEqual({ logits: expect.not.toMatchGoldenLogits('golden') })
})

expect.extend(matchers)
