import { GoldenLogitsError } from '../errors.js'
import type { Dtype } from '../tensor/dtype.js'
import type { CompactRow } from './compact/types.js'

/** What a snapshot keeps of each row: every logit, or the most probable vocab ids and sums over the rest. */
export type Fidelity = 'full' | 'compact'

/** What the logits come from, as the caller describes it: `model`, `revision`, `device`, `seed` … */
export type Provenance = Readonly<Record<string, string>>

/** One token of a snapshot: a line of its text file. */
export interface SnapshotToken {
  readonly step: number
  readonly dtype: Dtype
  /** Number of columns of the row. */
  readonly width: number
  readonly top1: number
  readonly top1Logit: number
  /** The layer that emitted the logits; `''` if the dump's layout names none. */
  readonly layer: string
  /** See `rowDigest`. */
  readonly digest: string
  /** Present in a compact snapshot. */
  readonly compact?: CompactRow
}

/** The contents of a snapshot's text file. The rows of a full one are in the `.npz` file next to it. */
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

/** A file of the dump that a snapshot was made from, for people who ask where it came from. */
export interface SourceFile {
  readonly step: number
  readonly path: string
  readonly size: number
  /** SHA-256, its first 32 hexadecimal digits. */
  readonly digest: string
}

/** Version of this package, as snapshots record it. Equal to package.json's, which the builds cannot read at run time. */
export const PACKAGE_VERSION = '0.1.0'

/**
 * Version of the snapshot format. Files of a higher version are not read. In format 1, compact rows lacked the sums of
 * suppressed logits that are finite; before format 3, they had longer sketches.
 */
export const FORMAT_VERSION = 3

/** The `.npz` file that belongs to a snapshot's text file. */
export function dataPath(snapshot: string): string {
  return `${snapshot}.npz`
}

const ADVICE = 'restore the snapshot from version control, or write a new one with the option -u'

/** For a snapshot that was cut short, edited or never one. */
export function badSnapshot(file: string, message: string, advice = ADVICE): GoldenLogitsError {
  return new GoldenLogitsError('bad-snapshot', `${message}; ${advice}`, { file })
}
