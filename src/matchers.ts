import { toMatchGoldenLayers } from './matchers/to-match-golden-layers.js'
import { toMatchGoldenLogits } from './matchers/to-match-golden-logits.js'
import { toMatchLogitsSnapshot } from './matchers/to-match-logits-snapshot.js'
import { toReproduceLogits } from './matchers/to-reproduce-logits.js'

/** All matchers, for `expect.extend` of any runner: `expect.extend(matchers)`. */
export const matchers = { toMatchGoldenLayers, toMatchGoldenLogits, toMatchLogitsSnapshot, toReproduceLogits }

export type { LayersOptions } from './compare/layers/types.js'
export type { ReproduceOptions } from './compare/reproduce.js'
export type { DumpOrPath } from './dumps/as-dump.js'
export type { MatcherContext, MatcherResult } from './matchers/types.js'
export type { SnapshotOptions } from './snapshots/options.js'
export { toMatchGoldenLayers, toMatchGoldenLogits, toMatchLogitsSnapshot, toReproduceLogits }
