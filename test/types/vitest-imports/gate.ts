import { loadDump } from 'golden-logits'
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
// @ts-expect-error TS2353 a misspelt option
new GoldenLogitsReporter({ cvs: 'reports/' })
