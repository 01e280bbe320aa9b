import { join } from 'node:path'
import 'golden-logits/vitest'
import { expect, test } from 'vitest'

const dumps = join(process.env.STORY_OUT, 'logits')
const golden = join(dumps, 'golden')
// The runs read the text of the golden, and computed in bfloat16.
const options = { dtype: 'bf16', decoding: 'forced', rounding: 'aware' }

test('the accepted build matches the golden', () => {
  expect(join(dumps, 'accepted')).toMatchGoldenLogits(golden, options)
})

test('the new build matches the golden', () => {
  expect(join(dumps, 'new')).toMatchGoldenLogits(golden, options)
})
