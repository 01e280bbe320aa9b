// The bare import keeps `vitest` in the emitted declarations, without which the augmentation below is lost.
import 'vitest'
import { expect } from 'vitest'
import type { CompareOptions } from './compare/options.js'
import { type DumpOrPath, type GoldenOptions, matchers } from './matchers.js'

expect.extend(matchers)

/** What the runner's own matchers return: nothing, or a promise of nothing behind `.resolves`. */
// biome-ignore lint/suspicious/noExplicitAny: the parameter takes part in inference only
type Returned<Self> = Self extends { toBe(expected: any): infer R } ? R : never

declare module 'vitest' {
  // No type parameters: Vitest 4 declares one and Vitest 5 two, and both have defaults.
  interface Matchers {
    /** Every token of the dump is within the thresholds of the golden. */
    toMatchGoldenLogits(golden: DumpOrPath, options?: CompareOptions): Returned<this>
    /** Every token of the dump is within the thresholds of the golden that the repository keeps for this test. */
    toMatchLogitsSnapshot(options?: GoldenOptions): Returned<this>
  }
}
