import { closeSync, copyFileSync, linkSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { threadId } from 'node:worker_threads'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError } from '../errors.js'
import { removeLeftovers } from '../lib/leftovers.js'
import { makeFolder, writeAdvice } from '../lib/make-folder.js'
import { refuseForeign } from './foreign.js'
import { withLock } from './lock.js'
import { MAX_TEXT, renderSnapshot } from './render.js'
import { type Refusal, type StoredRows, type StoreSettings, storeRows } from './store-rows.js'
import { dataPath, PACKAGE_VERSION, type Provenance, type Snapshot, type SnapshotToken } from './types.js'

export interface WriteSettings extends StoreSettings {
  readonly test: string
  readonly provenance: Provenance
}

/** How the files of a snapshot are put in place. */
export interface Placing {
  /** Asked under the snapshot's lock: may the files be replaced? */
  readonly isAllowed?: () => boolean
  /** Called under the lock before the files are replaced. If it throws an error, they stay. */
  readonly onReplace?: () => void
  /** Where the replaced files are kept, so that `undo` can restore them. If absent, `undo` removes the new files. */
  readonly backup?: string
}

export type Written =
  | {
      kind: 'written'
      snapshot: Snapshot
      /** Bytes of the larger file. */
      size: number
      /** Restores the files that were there before. */
      undo: () => void
    }
  | { kind: 'refused'; step: number; reason: string }
  | { kind: 'not-allowed'; reason: string }

/**
 * Writes a dump as a snapshot, one row in memory at a time. Its files appear complete or not at all, the text file last: a text
 * file next to the rows of another snapshot is detected when it is read. Refuses a dump with a row that cannot be
 * read, that no dump could match (NaN, +Inf), that says nothing (all logits equal), or that was chosen by a guess.
 * @throws GoldenLogitsError `write-failed`, also if a file that is not ours is in its place
 */
export function writeSnapshot(path: string, dump: Dump, settings: WriteSettings, placing: Placing = {}): Written {
  return namingWriteErrors(path, () => write(path, dump, settings, placing))
}

function namingWriteErrors<T>(path: string, body: () => T): T {
  try {
    return body()
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    // Readers throw errors of their own class.
    if (cause instanceof GoldenLogitsError || typeof code !== 'string') throw cause
    const message = `the snapshot cannot be written (${code}); ${writeAdvice(cause as Error)}`
    throw new GoldenLogitsError('write-failed', message, { file: path, cause })
  }
}

function write(path: string, dump: Dump, settings: WriteSettings, placing: Placing): Written {
  makeFolder(dirname(path))
  removeLeftovers(path)
  const temporary = `${path}.${process.pid}-${threadId}.tmp`
  const temporaryData = dataPath(temporary)
  try {
    const descriptor = settings.fidelity === 'full' ? openSync(temporaryData, 'w') : undefined
    let rows: StoredRows | Refusal
    try {
      rows = storeRows(dump, settings, descriptor)
    } finally {
      if (descriptor !== undefined) closeSync(descriptor)
    }
    if ('reason' in rows) return { kind: 'refused', ...rows }
    const { fidelity, test, provenance } = settings
    const snapshot = { fidelity, test, madeBy: PACKAGE_VERSION, layout: dump.layout, provenance, ...rows }
    const text = renderSnapshot(snapshot)
    if (text.length > MAX_TEXT) return { kind: 'refused', ...tooLong(snapshot.tokens, text.length) }
    writeFileSync(temporary, text)
    const dataSize = statSync(temporaryData, { throwIfNoEntry: false })?.size ?? 0
    const undo = withLock(path, () => replace(path, temporary, placing))
    if (!undo) return { kind: 'not-allowed', reason: 'another test uses the snapshot' }
    return { kind: 'written', snapshot: { path, ...snapshot }, size: Math.max(text.length, dataSize), undo }
  } finally {
    rmSync(temporary, { force: true })
    rmSync(temporaryData, { force: true })
  }
}

/** Replaces both files of a snapshot, the text file last. @returns the undo function; undefined if it is not allowed */
function replace(path: string, temporary: string, { isAllowed, onReplace, backup }: Placing): (() => void) | undefined {
  if (isAllowed && !isAllowed()) return undefined
  refuseForeign(path)
  onReplace?.()
  if (backup !== undefined) {
    makeFolder(dirname(backup))
    for (const pathOf of FILES) keep(pathOf(path), pathOf(backup))
  }
  for (const pathOf of FILES) moveOrRemove(pathOf(temporary), pathOf(path))
  return () =>
    namingWriteErrors(path, () =>
      withLock(path, () => {
        for (const pathOf of FILES) moveOrRemove(backup && pathOf(backup), pathOf(path))
      }),
    )
}

/** The files of a snapshot, in the order in which they are replaced. */
const FILES: readonly ((path: string) => string)[] = [dataPath, (path) => path]

/** Keeps a file under a second name: as a link, which costs no space, or if links are not possible as a copy. */
function keep(path: string, backup: string): void {
  rmSync(backup, { force: true })
  try {
    linkSync(path, backup)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') copyFileSync(path, backup)
  }
}

/** Moves a file to `path`; if there is none, removes the one at `path`. */
function moveOrRemove(from: string | undefined, path: string): void {
  if (from !== undefined && statSync(from, { throwIfNoEntry: false })) renameSync(from, path)
  else rmSync(path, { force: true })
}

function tooLong(tokens: readonly SnapshotToken[], length: number): Refusal {
  const reason = `the snapshot's text file would have ${length} bytes, more than ${MAX_TEXT}; set a lower k, or fewer steps`
  return { step: tokens.at(-1)!.step, reason }
}
