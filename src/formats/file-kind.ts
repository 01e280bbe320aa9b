import type { ByteSource } from '../io/byte-source.js'
import type { Limits } from '../io/limits.js'
import { holdsOwnName, holdsRuns, type OwnName, type Run } from '../io/recorded-source.js'
import { type Format, isTar } from './detect.js'
import type { StoredTensor } from './stored-tensor.js'

/**
 * The bytes that something was found in a file by. In a file of the same size in which each of those bytes is the same, the
 * same is found. CRCs are not among them: they are held anew for each file.
 */
export interface FileKind {
  readonly format: Format
  readonly size: number
  readonly runs: readonly Run[]
  /** Where each such file has its own name. */
  readonly ownName: OwnName | undefined
}

/** A kind with what was found. */
export interface KnownKind extends FileKind {
  readonly limits: Limits
  readonly stored: readonly StoredTensor[]
}

/** All that a format is known by lies in what its reader reads, too, but for the place where a tar archive names itself. */
export function isOfKind(source: ByteSource, { format, size, runs, ownName }: FileKind): boolean {
  if (source.size !== size || !holdsRuns(source, runs)) return false
  return (!ownName || holdsOwnName(source, ownName)) && (format === 'torch-zip' || !isTar(source))
}
