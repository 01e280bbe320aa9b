import type { CompareSettings } from '../compare/options.js'
import type { Comparison } from '../compare/types.js'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError, shown } from '../errors.js'
import { compareGolden } from './compare-golden.js'
import type { GoldenSettings } from './options.js'
import { readGolden } from './read-golden.js'
import type { Golden, Provenance } from './types.js'

/**
 * Compares a dump with the golden in a file.
 * @throws GoldenLogitsError what `readGolden` and `compareGolden` throw, and `golden-mismatch` where the golden says that
 * it came from something else than the test says
 */
export function matchGolden(
  path: string,
  dump: Dump,
  settings: CompareSettings,
  { provenance }: GoldenSettings,
): { golden: Golden; comparison: Comparison } {
  const golden = readGolden(path)
  refuseOther(golden, provenance)
  const comparison = compareGolden(golden, dump, settings)
  return { golden, comparison }
}

/** What one side alone says is no contradiction: a golden from before the test said it stays good. */
function refuseOther(golden: Golden, provenance: Provenance): void {
  for (const [key, expected] of Object.entries(provenance)) {
    const found = Object.hasOwn(golden.provenance, key) ? golden.provenance[key]! : expected
    if (found === expected) continue
    const message = `the golden is of ${shown(key, 40)} '${shown(found)}', the test says '${shown(expected)}'; give each its own variant, or update the golden (-u)`
    throw new GoldenLogitsError('golden-mismatch', message, { file: golden.path })
  }
}

/** Is it the golden that is at fault, so that an update may put another in its place? */
export function isUnusable(error: unknown): error is GoldenLogitsError {
  return error instanceof GoldenLogitsError && error.code !== 'invalid-argument' && error.code !== 'nothing-to-compare'
}
