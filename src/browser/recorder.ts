import { printable } from '../errors.js'

// Stands in for `reporters/recorder.ts` in the build for browsers: no report is written.

/** Runs a comparison, and prints its warnings to the console. */
export const recorded: typeof import('../reporters/recorder.js').recorded = (_context, _matcher, compare) => {
  const comparison = compare()
  for (const warning of comparison.warnings) {
    globalThis.console.warn(`golden-logits: warning: ${printable(warning, 400)}`)
  }
  return comparison
}
