import { basename, dirname, isAbsolute, join, relative } from 'node:path'
import { kindOf } from '../io/folder.js'
import { sha256 } from '../lib/optional-packages.js'

/** The suffix of a snapshot's text file. Watchers do not take such a file for source code. */
export const SNAPSHOT_SUFFIX = '.golden'

/** The folder of a test file's snapshots, next to the test file. */
export function snapshotFolder(testFile: string): string {
  return join(dirname(testFile), '__golden__', basename(testFile))
}

/**
 * The file name of a snapshot, safe on any file system: the words of its name, and a hash that distinguishes names with the
 * same words. Vitest joins suites and test by ` > ` and Jest by a space: both give the same file name.
 * @param n position among the test's snapshots, from 1; undefined for one that the caller named
 */
export function snapshotName(name: string, n: number | undefined, variant: string): string {
  const plain = name.replaceAll(' > ', ' ')
  const hash = sha256(plain).toString('hex', 0, 4)
  const count = n === undefined ? '' : `-${n}`
  return `${words(plain, 60)}${count}-${hash}${variant === '' ? '' : `.${variant}`}${SNAPSHOT_SUFFIX}`
}

function words(text: string, max: number): string {
  const joined = text.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '')
  return joined.slice(0, max).replace(/-$/, '') || 'golden'
}

/**
 * Where new logits are written if the runner does not allow snapshots to be written: outside the snapshot folder, in a
 * folder that version control ignores.
 * @param root the working directory
 */
export function candidatePath(snapshot: string, root: string): string {
  const fromRoot = relative(root, snapshot)
  const inside = fromRoot !== '' && !fromRoot.startsWith('..') && !isAbsolute(fromRoot)
  return join(root, '.golden-logits', 'candidates', inside ? fromRoot : basename(snapshot))
}

interface SnapshotPlace {
  /** The snapshot to compare with; undefined if there is none. */
  readonly existing: string | undefined
  /** Where a new one is written. */
  readonly target: string
}

/**
 * Finds a snapshot: that of the first variant that has one, else the one without a variant. A new snapshot belongs to the
 * first variant, so that the snapshots of other machines stay as they are.
 * @param n position among the test's snapshots; undefined for one that the caller named
 */
export function locateSnapshot(
  testFile: string,
  name: string,
  n: number | undefined,
  variants: readonly string[],
): SnapshotPlace {
  const folder = snapshotFolder(testFile)
  const paths = [...variants, ''].map((variant) => join(folder, snapshotName(name, n, variant)))
  return { existing: paths.find((path) => kindOf(path) !== undefined), target: paths[0]! }
}
