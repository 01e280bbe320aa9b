import { loadDump, logitsOf } from 'golden-logits'
import * as browser from 'golden-logits/browser'
import 'golden-logits/vitest'
import { matchers } from 'golden-logits/matchers'
import GoldenLogitsReporter from 'golden-logits/reporter'
import { expect, test } from 'vitest'
import { defineConfig } from 'vitest/config'
import type { Reporter } from 'vitest/node'

// shared
// shared-vitest

expect.extend(matchers)

export const reporter: Reporter = new GoldenLogitsReporter({ csv: 'reports/' })
export const config = defineConfig({
  test: { reporters: ['default', ['golden-logits/reporter', { csv: 'reports/' }], new GoldenLogitsReporter()] },
})

test('logits in memory', () => {
  const row = new Float32Array(8)
  const tensor: { data: Float32Array | BigInt64Array | string[]; dims: readonly number[]; type: string } = {
    data: row,
    dims: [1, 8],
    type: 'float32',
  }
  expect(logitsOf([row, tensor])).toMatchGoldenLogits(browser.logitsOf(row), { dtype: 'fp32' })
  browser.compareDumps(logitsOf(new Uint16Array(8), { dtype: 'bf16', positions: 'steps' }), browser.logitsOf(tensor))
  // @ts-expect-error TS2345 token ids
  logitsOf(new BigInt64Array(8))
  // @ts-expect-error TS2561 a misspelt option
  logitsOf(row, { dim: [1, 8] })
  // @ts-expect-error TS2345 a promise
  logitsOf(Promise.resolve(row))
})

// @ts-expect-error TS2353 a misspelt option
new GoldenLogitsReporter({ cvs: 'reports/' })
