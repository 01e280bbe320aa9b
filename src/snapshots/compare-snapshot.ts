import { compareSides, withTokenArray } from '../compare/compare-dumps.js'
import type { CompareSettings } from '../compare/options.js'
import { sideOf } from '../compare/sides.js'
import type { Comparison, TokenComparison, TokenSide } from '../compare/types.js'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError, printable } from '../errors.js'
import { SnapshotSource, snapshotDump } from './from-snapshot.js'
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
  { provenance, test, isUpdate }: ExpectedHeader,
): SnapshotComparison {
  const snapshot = readSnapshot(path)
  const differences = differencesOf(snapshot.provenance, provenance ?? {})
  const identity = differences.find(({ key }) => IDENTITY.includes(key))
  if (identity) throw otherOrigin(snapshot, identity)
  const comparison = compareSnapshot(snapshot, dump, settings)
  comparison.notes.push(...differences.map(({ key, stored, test }) => `${key}: snapshot '${stored}', now '${test}'`))
  const changes = changesOf(snapshot, { provenance: provenance ?? snapshot.provenance, test })
  if (test === undefined || snapshot.test === test || isUpdate) return { snapshot, comparison, changes }
  const [stored, name] = [printable(snapshot.test, 100), printable(test, 100)]
  const note = `the snapshot was written by test '${stored}', not by this test '${name}'; to confirm, update the snapshot (-u)`
  comparison.notes.push(note)
  comparison.warnings.push(note)
  return { snapshot, comparison: { ...comparison, pass: comparison.pass && !comparison.strict }, changes }
}

/** What the test would write into the header of the snapshot. */
export interface ExpectedHeader {
  /** Undefined: keep what the snapshot holds. */
  readonly provenance: Provenance | undefined
  /** The name of the test; undefined if tests may share the snapshot, because the caller named it. */
  readonly test: string | undefined
  /** An update replaces a header that differs, so that is no warning. */
  readonly isUpdate: boolean
}

interface SnapshotComparison {
  readonly snapshot: Snapshot
  readonly comparison: Comparison
  /** How the header would change if the snapshot were written now. */
  readonly changes: readonly string[]
}

function changesOf(
  { provenance: stored, test }: Snapshot,
  now: { readonly provenance: Provenance; readonly test: string | undefined },
): string[] {
  const changes = [...new Set([...Object.keys(stored), ...Object.keys(now.provenance)])]
    .filter((key) => stored[key] !== now.provenance[key])
    .map(
      (key) =>
        `provenance ${printable(key, 40)}: ${quotedValue(stored, key)} is now ${quotedValue(now.provenance, key)}`,
    )
  if (now.test === undefined || now.test === test) return changes
  return [`test '${printable(test, 100)}' is now '${printable(now.test, 100)}'`, ...changes]
}

function quotedValue(provenance: Provenance, key: string): string {
  return Object.hasOwn(provenance, key) ? `'${printable(provenance[key]!, 100)}'` : 'absent'
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
  const message = `the snapshot is of ${key} '${stored}', but the option provenance says '${test}'; give each its own snapshot, or update the snapshot (-u)`
  return new GoldenLogitsError('snapshot-mismatch', message, { file: path })
}

/** `unsupported-format` is that of a Git LFS pointer. */
const NO_FAULT_OF_THE_SNAPSHOT: readonly string[] = ['invalid-argument', 'nothing-to-compare', 'unsupported-format']

/** Is the snapshot at fault, so that an update may replace it? */
export function isUnusable(error: unknown): error is GoldenLogitsError {
  return error instanceof GoldenLogitsError && !NO_FAULT_OF_THE_SNAPSHOT.includes(error.code)
}

/**
 * Compares a dump with a snapshot, token by token, one pair of rows in memory at a time.
 * @throws GoldenLogitsError `snapshot-mismatch` if no row has the snapshot's vocabulary, `bad-snapshot` and what readers of
 * archives throw if the snapshot's rows cannot be read, `nothing-to-compare`
 */
export function compareSnapshot(snapshot: Snapshot, dump: Dump, settings: CompareSettings): Comparison {
  const rows = new SnapshotSource(snapshot)
  try {
    const comparison = withTokenArray(
      compareSides(sideOf(dump), { dump: snapshotDump(snapshot), rows, isSnapshot: true }, settings),
    )
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
