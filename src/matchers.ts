import { toMatchGoldenLogits } from './matchers/to-match-golden-logits.js'

/** All matchers, for `expect.extend` of any runner: `expect.extend(matchers)`. */
export const matchers = { toMatchGoldenLogits }

export type { DumpOrPath } from './matchers/to-match-golden-logits.js'
export type { MatcherContext, MatcherResult } from './matchers/types.js'
export { toMatchGoldenLogits }
