import { compareSides, sideOf, withTokenArray } from '../compare/compare-dumps.js'
import type { CompareSettings } from '../compare/options.js'
import type { Comparison, TokenComparison, TokenSide } from '../compare/types.js'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError, printable } from '../errors.js'
import { SnapshotSource, snapshotDump } from './from-snapshot.js'
import type { SnapshotSettings } from './options.js'
import { readSnapshot } from './read-snapshot.js'
import type { Provenance, Snapshot } from './types.js'

/**
 * Compares a dump with the golden in a file.
 * @throws GoldenLogitsError what `readSnapshot` and `compareSnapshot` throw, and `snapshot-mismatch` where the golden says that
 * it came from something else than the test says
 */
export function compareWithSnapshot(
  path: string,
  dump: Dump,
  settings: CompareSettings,
  { provenance }: SnapshotSettings,
): { golden: Snapshot; comparison: Comparison } {
  const golden = readSnapshot(path)
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

function otherOrigin({ path }: Snapshot, { key, golden, test }: Difference): GoldenLogitsError {
  const message = `the golden is of ${key} '${golden}', the test says '${test}'; give each its own variant, or update the golden (-u)`
  return new GoldenLogitsError('snapshot-mismatch', message, { file: path })
}

/** Is it the golden that is at fault, so that an update may put another in its place? */
export function isUnusable(error: unknown): error is GoldenLogitsError {
  return error instanceof GoldenLogitsError && error.code !== 'invalid-argument' && error.code !== 'nothing-to-compare'
}

/**
 * Compares a dump with a snapshot, token by token, one pair of rows in memory at a time.
 * @throws GoldenLogitsError `snapshot-mismatch` if no row has the snapshot's vocabulary, `bad-snapshot` and what readers of
 * archives throw if the snapshot's rows cannot be read, `nothing-to-compare`
 */
export function compareSnapshot(golden: Snapshot, dump: Dump, settings: CompareSettings): Comparison {
  const rows = new SnapshotSource(golden)
  try {
    const comparison = withTokenArray(compareSides(sideOf(dump), { dump: snapshotDump(golden), rows }, settings))
    if (rows.failure !== undefined) throw rows.failure
    refuseOtherVocabulary(golden, comparison.tokens)
    return comparison
  } finally {
    rows.close()
  }
}

/** If every row that was read has another vocabulary, the dump is of another model. */
function refuseOtherVocabulary({ path }: Snapshot, tokens: readonly TokenComparison[]): void {
  const pairs = tokens.filter(({ golden, dump }) => golden?.shape && dump?.shape)
  const [first] = pairs
  if (!first || pairs.some(({ golden, dump }) => widthOf(golden) === widthOf(dump))) return
  const [golden, dump] = [widthOf(first.golden), widthOf(first.dump)]
  const message = `the golden has a vocabulary of ${golden}, the dump one of ${dump}; if the dump pads its vocabulary, set the option vocabSize to ${golden}, and if it is of another model, update the golden (-u)`
  throw new GoldenLogitsError('snapshot-mismatch', message, { file: path })
}

function widthOf(side: TokenSide | undefined): number | undefined {
  return side?.shape?.at(-1)
}
