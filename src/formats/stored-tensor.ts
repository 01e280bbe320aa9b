import type { ByteSource } from '../io/byte-source.js'
import type { FoundTensor } from './pickle/find-tensors.js'
import type { StorageBytes } from './storage-bytes.js'

/** Finds a storage's bytes in the file, which may have been opened anew since the tensor was found. */
export type OpenStorage = (source: ByteSource) => StorageBytes

/** A tensor that a file holds, and the way to its elements. */
export interface StoredTensor {
  readonly found: FoundTensor
  readonly open: OpenStorage
}
