// For Vitest's browser mode: the gate on logits in memory, without files. `scripts/build.mjs` replaces the modules that
// need Node by those in browser/.
// The bare import keeps `vitest` in the emitted declarations, without which the augmentation below is lost.
import 'vitest'
import { expect } from 'vitest'
import { invalidArgument } from './errors.js'
import type { LogitsMatchers } from './matchers/interface.js'
import { toMatchGoldenLogits } from './matchers/to-match-golden-logits.js'
import { toReproduceLogits } from './matchers/to-reproduce-logits.js'

expect.extend({
  toMatchGoldenLogits,
  toReproduceLogits,
  toMatchLogitsSnapshot() {
    throw invalidArgument(
      'toMatchLogitsSnapshot: a browser has no files, so no snapshot can be kept; run this test in Node, or use toMatchGoldenLogits',
    )
  },
})

export { compareDumps } from './compare/compare-dumps.js'
export type { CompareOptions } from './compare/options.js'
export type { Comparison, TokenComparison } from './compare/types.js'
export { type LogitsOptions, logitsOf } from './dumps/logits-of.js'
export type { Float16Logits, LogitsArray, LogitsTensor } from './dumps/tensor-of.js'
export type { Dump } from './dumps/types.js'
export { type ErrorCode, GoldenLogitsError } from './errors.js'

declare module 'vitest' {
  // No type parameters: Vitest 4 declares one and Vitest 5 two, and both have defaults.
  interface Matchers extends LogitsMatchers {}
}
