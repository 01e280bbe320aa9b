import type { Budgets } from '../io/budgets.js'
import type { ByteSource } from '../io/byte-source.js'
import { holdsOwnName, type OwnName } from '../io/own-name.js'
import { holdsRuns, type Run } from '../io/runs.js'
import { type Format, isTar } from './detect.js'
import type { StoredTensor } from './stored-tensor.js'

/**
 * The bytes that something was found in a file by. In a file of the same size in which each of those bytes is the same, the
 * same is found. CRCs of elements are not among them: they are held anew for each file.
 */
export interface FileKind {
  readonly format: Format
  readonly size: number
  readonly runs: readonly Run[]
  /** Where other files have their own name, in which the same is found but for that name. */
  readonly own: OwnName | undefined
}

/** A kind with what was found. */
export interface KnownKind extends FileKind {
  readonly budgets: Budgets
  readonly stored: readonly StoredTensor[]
}

/**
 * Is the same found in the source, to the names? All that a format is known by lies in what its reader reads, too, but for the
 * place where a tar archive names itself.
 */
export function isSame(source: ByteSource, { format, size, runs }: FileKind): boolean {
  return source.size === size && holdsRuns(source, runs) && (format === 'torch-zip' || !isTar(source))
}

/** Is the same found in the source, but for its own name? Torch's archives alone have that. */
export function isOfKind(source: ByteSource, kind: FileKind): boolean {
  const { own } = kind
  return isSame(source, kind) || (own !== undefined && source.size === kind.size && holdsOwnName(source, own))
}
