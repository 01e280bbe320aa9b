import { crc32 } from 'node:zlib'
import type { Budgets } from '../io/budgets.js'
import type { ByteSource } from '../io/byte-source.js'
import type { NamedInts } from './pickle/find-ints.js'
import type { NamedTensor } from './pickle/find-tensors.js'

/** A file format. A new one is a file that exports a `Format`, and a line in `FORMATS` (index.ts). */
export interface Format {
  readonly name: string
  /** How messages call such a file. */
  readonly description: string
  /** The usual endings of its names, in lower case. They decide nothing but which files of a folder may be steps. */
  readonly extensions: readonly string[]
  /** @param head the first bytes of the file, one character a byte */
  matches(head: string): boolean
  /**
   * Parses the file as far as needed to locate its tensors, at least one. Reads no elements, but every other byte that the
   * result depends on, the magic included: files with equal bytes there are parsed once (`FileLayout`).
   * @throws GoldenLogitsError
   */
  read(source: ByteSource, budgets: Budgets): StoredTensor[]
  /**
   * Parses the file once for all that it holds. Absent if the format holds nothing but tensors.
   * @throws GoldenLogitsError
   */
  parse?(source: ByteSource, budgets: Budgets): Parsed
}

/** What a parsed file holds. Either may be refused without the other. */
export interface Parsed {
  /** As `Format.read` does, while the source is open. @throws GoldenLogitsError */
  tensors(): StoredTensor[]
  /**
   * The plain whole numbers beside the tensors, such as token ids in a list.
   * @param isWanted by the name of a value, the key of a dict; `''` is the object itself
   * @throws GoldenLogitsError
   */
  ints(isWanted: (name: string) => boolean): readonly NamedInts[]
}

/** A tensor of a file, and how to read its elements. */
export interface StoredTensor extends NamedTensor {
  readonly open: OpenStorage
  /** Undefined if the storage is compressed or big-endian in the file. */
  readonly place?: StoragePlace
}

/** The position of a storage in the file, uncompressed and little-endian. */
export interface StoragePlace {
  readonly start: number
  readonly size: number
  /** Offset of the storage's CRC-32 in the file, as in `ZipEntry`; undefined if the format has none. */
  readonly crcAt?: number
}

/** Opens a storage in `source`: the parsed file opened again, or another file with the same layout. */
export type OpenStorage = (source: ByteSource, checks: Checks) => StorageBytes

/** The raw bytes of one storage. */
export interface StorageBytes {
  readonly bigEndian: boolean
  /** Fills `into` with the bytes from `offset` on. */
  read(offset: number, into: Uint8Array): void
}

/** What was learnt of the records of one file, shared by all openings of the file. */
export interface Checks {
  /** Records whose CRC matched: each is checked once. */
  readonly passed: Set<unknown>
  readonly checksum: Checksum
  /** The compressed record that was read last, so that its rows do not each inflate it. */
  inflated?: { readonly record: unknown; readonly content: Uint8Array }
}

export interface Checksum {
  crc32(bytes: Uint8Array): number
}

/** The CRC-32 of `node:zlib`. */
export const ZLIB: Checksum = { crc32 }

export function newChecks(checksum = ZLIB): Checks {
  return { passed: new Set(), checksum }
}
