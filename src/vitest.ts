// The bare import keeps `vitest` in the emitted declarations, without which the augmentation below is lost.
import 'vitest'
import { afterAll, aroundEach, expect } from 'vitest'
import type { DumpSource } from './dumps/lazy-dumps.js'
import type { Dump } from './dumps/types.js'
import type { LogitsMatchers } from './matchers/interface.js'
import { removeBackups } from './matchers/to-match-logits-snapshot.js'
import { matchers } from './matchers.js'
import { lazyDumps } from './reporters/recorded-load.js'
import { withinTest } from './runner/test.js'

expect.extend(matchers)

try {
  // Concurrent tests share the global `expect`, which then names any of them.
  aroundEach((run, { task }) => withinTest(task, run))
  afterAll(removeBackups)
} catch {
  // Imported inside a test, too late for hooks: the reporter marks the names that may be wrong.
}

/** A fixture that passes a dump to each test that names it. */
export type DumpFixture = (context: object, use: (dump: Dump) => Promise<void>) => Promise<void>

/**
 * Dumps for Vitest's `test.extend`, declared once for a suite: `test.extend(dumpFixtures({ golden: 'gpu', dump: 'npu' }))`.
 * A dump is loaded once, when the first test names it.
 * @throws GoldenLogitsError in the tests that name a dump which cannot be loaded
 */
export function dumpFixtures<const Name extends string>(
  sources: Record<Name, DumpSource>,
): { [N in Name]: DumpFixture } {
  const dumps = lazyDumps(sources)
  const fixtures = {} as { [N in Name]: DumpFixture }
  for (const name of Object.keys(sources) as Name[]) {
    // Vitest reads from the braces which other fixtures it needs: none.
    // biome-ignore lint/correctness/noEmptyPattern: see above
    fixtures[name] = async ({}, use) => use(dumps[name])
  }
  return fixtures
}

declare module 'vitest' {
  // No type parameters: Vitest 4 declares one and Vitest 5 two, and both have defaults.
  interface Matchers extends LogitsMatchers {}
}
