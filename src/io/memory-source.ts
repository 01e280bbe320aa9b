import { GoldenLogitsError } from '../errors.js'
import type { ByteSource } from './byte-source.js'

/** Bytes that are in memory already, as a source. `file` is the name for errors. */
export function memorySource(bytes: Uint8Array, file: string): ByteSource {
  return {
    file,
    size: bytes.length,
    read(offset, into) {
      if (offset + into.length > bytes.length) {
        throw new GoldenLogitsError('file-changed', `ended at byte ${bytes.length}`, { file, offset: bytes.length })
      }
      into.set(bytes.subarray(offset, offset + into.length))
    },
  }
}
