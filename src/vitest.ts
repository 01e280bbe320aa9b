// The bare import keeps `vitest` in the emitted declarations, without which the augmentation below is lost.
import 'vitest'
import { aroundEach, expect } from 'vitest'
import type { LogitsMatchers } from './matchers/interface.js'
import { matchers } from './matchers.js'
import { withinTest } from './reporters/current-test.js'

expect.extend(matchers)

try {
  // Concurrent tests share the global `expect`, which then names any of them.
  aroundEach((run, { task }) => withinTest(task, run))
} catch {
  // Imported within a test, where hooks come too late: the reporter says which names are unsure.
}

declare module 'vitest' {
  // No type parameters: Vitest 4 declares one and Vitest 5 two, and both have defaults.
  interface Matchers extends LogitsMatchers {}
}
