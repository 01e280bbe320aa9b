import { crc32 } from 'node:zlib'
import type { ByteSource } from '../io/byte-source.js'
import type { FoundTensor } from './pickle/find-tensors.js'
import type { StorageBytes } from './storage-bytes.js'

/**
 * Finds a storage's bytes in the file, which may have been opened anew since the tensor was found, or be another one that
 * is described by the same bytes.
 */
export type OpenStorage = (source: ByteSource, checks: Checks) => StorageBytes

/** How the bytes of one file are held against the CRCs in it; the same for every opening of the file. */
export interface Checks {
  /** What was held against its CRC before: once is enough. */
  readonly held: Set<unknown>
  readonly checksum: Checksum
}

export interface Checksum {
  crc32(bytes: Uint8Array): number
}

/** Those of a file that nothing was read of yet. */
export function newChecks(checksum: Checksum = { crc32 }): Checks {
  return { held: new Set(), checksum }
}

/** Where in the file a storage lies, byte for byte and little-endian. */
export interface StoragePlace {
  readonly start: number
  readonly size: number
  /** Where the file has the CRC-32 of all of it, as `ZipEntry`; absent where it has none. */
  readonly crcAt?: number
}

/** A tensor that a file holds, and the way to its elements. */
export interface StoredTensor {
  readonly found: FoundTensor
  readonly open: OpenStorage
  /** Absent where the file has its storage in another form. */
  readonly place?: StoragePlace
}
