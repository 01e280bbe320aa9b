import type { Dump } from '../dumps/types.js'

// Stands in for `dumps/steps-in-file.ts` in the build for browsers.

/** A browser has no files: each row in memory is a step already. */
export function withSteps(dump: Dump): Dump {
  return dump
}
