import type { Dtype } from '../tensor/dtype.js'
import type { CompactRow } from './compact/types.js'

/** What a golden keeps of each row: every logit, or the most probable tokens and sums of the rest. */
export type Fidelity = 'full' | 'compact'

/** What the logits came from, as the caller describes it: `model`, `revision`, `device`, `seed` … */
export type Provenance = Readonly<Record<string, string>>

/** One token of a golden: a line of its text file. */
export interface SnapshotToken {
  readonly step: number
  readonly dtype: Dtype
  /** Number of columns of the row. */
  readonly width: number
  readonly top1: number
  readonly top1Logit: number
  /** The layer that emitted the logits; `''` where the dump's layout names none. */
  readonly layer: string
  /** See `rowDigest`. */
  readonly digest: string
  /** In a golden of compact fidelity. */
  readonly compact?: CompactRow
}

/** A golden as its text file tells it. The rows of a full one are in the `.npz` file beside it. */
export interface Snapshot {
  /** Its text file. */
  readonly path: string
  readonly fidelity: Fidelity
  /** The test that wrote it. */
  readonly test: string
  /** The version of this package that wrote it. */
  readonly madeBy: string
  /** Layout of the dump it was made from. */
  readonly layout: string
  readonly provenance: Provenance
  /** Ascending steps, at least one. */
  readonly tokens: readonly SnapshotToken[]
  /** The files that the logits were read from, in the order of the tokens. */
  readonly sources: readonly SourceFile[]
}

/** A file of the dump that a golden was made from: for people who ask where it came from. */
export interface SourceFile {
  readonly step: number
  readonly path: string
  readonly size: number
  /** SHA-256, its first 32 hexadecimal digits. */
  readonly digest: string
}

/** The `.npz` file that belongs to a golden's text file. */
export function dataPath(golden: string): string {
  return `${golden}.npz`
}
