import { toMatchGoldenLogits } from './matchers/to-match-golden-logits.js'
import { toMatchLogitsSnapshot } from './matchers/to-match-logits-snapshot.js'

/** All matchers, for `expect.extend` of any runner: `expect.extend(matchers)`. */
export const matchers = { toMatchGoldenLogits, toMatchLogitsSnapshot }

export type { GoldenOptions } from './goldens/options.js'
export type { DumpOrPath } from './matchers/to-match-golden-logits.js'
export type { MatcherContext, MatcherResult } from './matchers/types.js'
export { toMatchGoldenLogits, toMatchLogitsSnapshot }
