import { GoldenLogitsError } from '../errors.js'
import { beginningOf, foreignKind } from '../io/beginning.js'
import { isArchiveStart } from './npz.js'
import { MAGIC } from './render.js'
import { dataPath } from './types.js'

/** True if a text begins as that of a snapshot, or is cut off before it differs. */
export function isSnapshotStart(text: string): boolean {
  return text.startsWith(MAGIC) || MAGIC.startsWith(text)
}

/** What stands in the place of a snapshot's text file without being one; undefined for a snapshot, or nothing. */
export function foreignText(path: string): string | undefined {
  return foreignKind(path, () => isSnapshotStart(beginningOf(path, MAGIC.length).toString()))
}

/** The same for the `.npz` file next to it. */
export function foreignData(path: string): string | undefined {
  return foreignKind(path, () => isArchiveStart(beginningOf(path, 64)))
}

/**
 * Refuses to replace files that this package did not write.
 * @param path of the text file
 * @throws GoldenLogitsError `write-failed`
 */
export function refuseForeign(path: string): void {
  refuse(path, foreignText(path))
  refuse(dataPath(path), foreignData(dataPath(path)))
}

function refuse(file: string, kind: string | undefined): void {
  if (kind === undefined) return
  const message = `this ${kind} is not part of a snapshot of golden-logits, so it is not overwritten; move or delete it, or give the snapshot another name`
  throw new GoldenLogitsError('write-failed', message, { file })
}
