import { readdirSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { kindOf, listFolder } from '../io/folder.js'
import { foreignData, foreignText } from './foreign.js'
import { SNAPSHOT_SUFFIX, snapshotFolder } from './names.js'
import { appendRunLine, readRunLines } from './run-lines.js'
import { dataPath } from './types.js'

const USED = /^snapshots-.*\.txt$/

/** Records, for the end of the run, that a test has used a snapshot. */
export function noteUsed(runDir: string, testFile: string, snapshot: string): void {
  appendRunLine(join(runDir, `snapshots-${process.pid}-${threadId}.txt`), [testFile, snapshot])
}

/** The snapshots that the tests of a run have used, by test file. */
export function usedSnapshots(runDir: string): Map<string, Set<string>> {
  const used = new Map<string, Set<string>>()
  if (kindOf(runDir) !== 'folder') return used
  for (const name of readdirSync(runDir).filter((file) => USED.test(file))) {
    for (const [testFile, snapshot] of readRunLines(join(runDir, name), isUse)) {
      const snapshots = used.get(testFile) ?? new Set()
      used.set(testFile, snapshots.add(snapshot))
    }
  }
  return used
}

/** A test file and a snapshot that one of its tests used. */
function isUse(value: unknown): value is readonly [string, string] {
  return Array.isArray(value) && value.length === 2 && value.every((path) => typeof path === 'string')
}

/**
 * The snapshots that no test uses any more, sorted: those that no test of a completed file used, and those whose test file
 * does not exist any more.
 * @param completedFiles test files that ran to their end in this run with no test skipped, filtered out or failed. The
 * snapshots of any other test file count as used.
 */
export function obsoleteSnapshots(
  used: ReadonlyMap<string, ReadonlySet<string>>,
  completedFiles: readonly string[],
): string[] {
  const unused = completedFiles.flatMap((testFile) => {
    const stems = new Set([...(used.get(testFile) ?? [])].map(stem))
    // A variant for another machine has the same name as the one that was used.
    return snapshotsIn(snapshotFolder(testFile)).filter((path) => !stems.has(stem(path)))
  })
  const roots = new Set([...used.keys(), ...completedFiles].map((file) => dirname(snapshotFolder(file))))
  const orphaned = [...roots].flatMap((root) => {
    const folders = kindOf(root) === 'folder' ? listFolder(root).filter(({ kind }) => kind === 'folder') : []
    const gone = folders.filter(({ name }) => kindOf(join(dirname(root), name)) === undefined)
    return gone.flatMap(({ name }) => snapshotsIn(join(root, name)))
  })
  return [...new Set([...unused, ...orphaned])].sort()
}

/** Deletes a snapshot with its rows. Only for an update run whose user asked for it. */
export function removeSnapshot(path: string): void {
  if (foreignText(path) === undefined) rmSync(path, { force: true })
  if (foreignData(dataPath(path)) === undefined) rmSync(dataPath(path), { force: true })
}

function snapshotsIn(folder: string): string[] {
  if (kindOf(folder) !== 'folder') return []
  const files = listFolder(folder).filter(({ name, kind }) => kind === 'file' && name.endsWith(SNAPSHOT_SUFFIX))
  return files.map(({ name }) => join(folder, name)).filter((path) => foreignText(path) === undefined)
}

/** The file name of a snapshot without its variant: up to the first dot. */
function stem(path: string): string {
  return basename(path).split('.')[0]!
}
