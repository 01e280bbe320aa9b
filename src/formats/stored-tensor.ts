import type { ByteSource } from '../io/byte-source.js'
import type { FoundTensor } from './pickle/find-tensors.js'
import type { StorageBytes } from './storage-bytes.js'

/**
 * Finds a storage's bytes in the file, which may have been opened anew since the tensor was found, or be another one that
 * is described by the same bytes.
 * @param held what of this file was held against its CRC before; the same set for every opening of one file
 */
export type OpenStorage = (source: ByteSource, held: Set<unknown>) => StorageBytes

/** A tensor that a file holds, and the way to its elements. */
export interface StoredTensor {
  readonly found: FoundTensor
  readonly open: OpenStorage
}
