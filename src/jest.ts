// Jest itself resolves this name, even if the package is not installed, and whether or not it injects globals.
import { afterAll, expect } from '@jest/globals'
import type { LogitsMatchers } from './matchers/interface.js'
import { removeBackups } from './matchers/to-match-logits-snapshot.js'
import { matchers } from './matchers.js'
import { rememberExpect } from './runner/test.js'

expect.extend(matchers)
rememberExpect(expect)

try {
  afterAll(removeBackups)
} catch {
  // Imported inside a test, too late for hooks: the reporter removes the files.
}

declare module 'expect' {
  interface Matchers<R extends void | Promise<void>, T = unknown> extends LogitsMatchers {}
  interface AsymmetricMatchers extends LogitsMatchers {}
}

declare global {
  namespace jest {
    // biome-ignore lint/complexity/noBannedTypes: spelt as in @types/jest, which it merges with
    interface Matchers<R, T = {}> extends LogitsMatchers {}
    interface Expect extends LogitsMatchers {}
  }
}
