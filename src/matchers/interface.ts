import type { LayersOptions } from '../compare/layers/types.js'
import type { CompareOptions } from '../compare/options.js'
import type { ReproduceOptions } from '../compare/reproduce.js'
import type { DumpOrPath } from '../dumps/as-dump.js'
import type { SnapshotOptions } from '../snapshots/options.js'

/** What the runner's own matchers return: nothing, or after `.resolves` a promise of nothing. */
// biome-ignore-start lint/suspicious: the parameter takes part in inference only, and void is what matchers return
export type Returned<Self> = Self extends { toBe(expected: any): infer R } ? R : void
// biome-ignore-end lint/suspicious: see above

/** The matchers as they are called, for the runners' own interfaces to extend: one list for all runners and versions. */
export interface LogitsMatchers {
  /** Every token of the dump is within the thresholds of the golden. */
  toMatchGoldenLogits(golden: DumpOrPath, options?: CompareOptions): Returned<this>
  /** No layer of the dump diverges from the golden at one token; a failure names the first that does. */
  toMatchGoldenLayers(golden: DumpOrPath, options: LayersOptions<DumpOrPath>): Returned<this>
  /** Every token of the dump is within the thresholds of this test's snapshot in the repository. */
  toMatchLogitsSnapshot(options?: SnapshotOptions): Returned<this>
  /** Every token of the dump has the same bits as the same token of another run. */
  toReproduceLogits(other: DumpOrPath, options?: ReproduceOptions): Returned<this>
}
