import { compareSides, withTokenArray } from '../compare/compare-dumps.js'
import type { CompareSettings } from '../compare/options.js'
import { sideOf } from '../compare/sides.js'
import type { Comparison, TokenComparison, TokenSide } from '../compare/types.js'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError, printable } from '../errors.js'
import { SnapshotSource, snapshotDump } from './from-snapshot.js'
import type { SnapshotSettings } from './options.js'
import { readSnapshot } from './read-snapshot.js'
import type { Provenance, Snapshot } from './types.js'

/**
 * Reads a snapshot and compares a dump with it.
 * @throws GoldenLogitsError what `readSnapshot` and `compareSnapshot` throw, and `snapshot-mismatch` if the provenance in the
 * snapshot is of another model or vocabulary than the test's
 */
export function compareWithSnapshot(
  path: string,
  dump: Dump,
  settings: CompareSettings,
  { provenance }: SnapshotSettings,
): { snapshot: Snapshot; comparison: Comparison } {
  const snapshot = readSnapshot(path)
  const differences = differencesOf(snapshot.provenance, provenance)
  const identity = differences.find(({ key }) => IDENTITY.includes(key))
  if (identity) throw otherOrigin(snapshot, identity)
  const comparison = compareSnapshot(snapshot, dump, settings)
  comparison.notes.push(
    ...differences.map(({ key, stored, test }) => `${key}: snapshot '${stored}', this test '${test}'`),
  )
  return { snapshot, comparison }
}

/** Runs that differ in one of these cannot give the same logits. Any other difference (device, engine, seed …) is a note. */
const IDENTITY = ['model', 'vocabulary']

interface Difference {
  readonly key: string
  readonly stored: string
  readonly test: string
}

/** Keys of one side alone are no difference: a snapshot stays valid when a test starts to give its provenance. */
function differencesOf(stored: Provenance, test: Provenance): Difference[] {
  return Object.keys(test)
    .filter((key) => Object.hasOwn(stored, key) && stored[key] !== test[key])
    .map((key) => ({ key: printable(key, 40), stored: printable(stored[key]!), test: printable(test[key]!) }))
}

function otherOrigin({ path }: Snapshot, { key, stored, test }: Difference): GoldenLogitsError {
  const message = `the snapshot is of ${key} '${stored}', but the test says '${test}'; give each its own variant, or update the snapshot (-u)`
  return new GoldenLogitsError('snapshot-mismatch', message, { file: path })
}

/** Is the snapshot at fault, so that an update may replace it? */
export function isUnusable(error: unknown): error is GoldenLogitsError {
  return error instanceof GoldenLogitsError && error.code !== 'invalid-argument' && error.code !== 'nothing-to-compare'
}

/**
 * Compares a dump with a snapshot, token by token, one pair of rows in memory at a time.
 * @throws GoldenLogitsError `snapshot-mismatch` if no row has the snapshot's vocabulary, `bad-snapshot` and what readers of
 * archives throw if the snapshot's rows cannot be read, `nothing-to-compare`
 */
export function compareSnapshot(snapshot: Snapshot, dump: Dump, settings: CompareSettings): Comparison {
  const rows = new SnapshotSource(snapshot)
  try {
    const comparison = withTokenArray(compareSides(sideOf(dump), { dump: snapshotDump(snapshot), rows }, settings))
    if (rows.failure !== undefined) throw rows.failure
    refuseOtherVocabulary(snapshot, comparison.tokens)
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
  const message = `the snapshot has a vocabulary of ${golden}, the dump one of ${dump}; if the dump pads its vocabulary, set the option vocabSize to ${golden}; if it is of another model, update the snapshot (-u)`
  throw new GoldenLogitsError('snapshot-mismatch', message, { file: path })
}

function widthOf(side: TokenSide | undefined): number | undefined {
  return side?.shape?.at(-1)
}
