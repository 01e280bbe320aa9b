import type { CompareSettings } from '../compare/options.js'
import type { Comparison } from '../compare/types.js'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError, printable } from '../errors.js'
import { compareSnapshot } from './compare-snapshot.js'
import type { GoldenSettings } from './options.js'
import { readGolden } from './read-golden.js'
import type { Golden, Provenance } from './types.js'

/**
 * Compares a dump with the golden in a file.
 * @throws GoldenLogitsError what `readGolden` and `compareSnapshot` throw, and `snapshot-mismatch` where the golden says that
 * it came from something else than the test says
 */
export function matchGolden(
  path: string,
  dump: Dump,
  settings: CompareSettings,
  { provenance }: GoldenSettings,
): { golden: Golden; comparison: Comparison } {
  const golden = readGolden(path)
  const differences = differencesOf(golden.provenance, provenance)
  const identity = differences.find(({ key }) => IDENTITY.includes(key))
  if (identity) throw otherOrigin(golden, identity)
  const comparison = compareSnapshot(golden, dump, settings)
  comparison.notes.push(...differences.map(({ key, golden: g, test }) => `${key}: golden '${g}', this test '${test}'`))
  return { golden, comparison }
}

/** What no two runs may differ in that are to give the same logits. All else (device, engine, seed …) is worth a note. */
const IDENTITY = ['model', 'vocabulary']

interface Difference {
  readonly key: string
  readonly golden: string
  readonly test: string
}

/** What one side alone says is no contradiction: a golden from before the test said it stays good. */
function differencesOf(golden: Provenance, test: Provenance): Difference[] {
  return Object.keys(test)
    .filter((key) => Object.hasOwn(golden, key) && golden[key] !== test[key])
    .map((key) => ({ key: printable(key, 40), golden: printable(golden[key]!), test: printable(test[key]!) }))
}

function otherOrigin({ path }: Golden, { key, golden, test }: Difference): GoldenLogitsError {
  const message = `the golden is of ${key} '${golden}', the test says '${test}'; give each its own variant, or update the golden (-u)`
  return new GoldenLogitsError('snapshot-mismatch', message, { file: path })
}

/** Is it the golden that is at fault, so that an update may put another in its place? */
export function isUnusable(error: unknown): error is GoldenLogitsError {
  return error instanceof GoldenLogitsError && error.code !== 'invalid-argument' && error.code !== 'nothing-to-compare'
}
