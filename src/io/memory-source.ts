import { GoldenLogitsError } from '../errors.js'
import type { ByteSource } from './byte-source.js'

/** A source over bytes in memory. `file` is the name for error messages. */
export function memorySource(bytes: Uint8Array, file: string): ByteSource {
  return new MemorySource(bytes, file)
}

class MemorySource implements ByteSource {
  readonly file: string
  readonly size: number
  private readonly bytes: Uint8Array

  constructor(bytes: Uint8Array, file: string) {
    this.file = file
    this.size = bytes.length
    this.bytes = bytes
  }

  read(offset: number, into: Uint8Array): void {
    const { file, bytes } = this
    if (offset + into.length > bytes.length) {
      throw new GoldenLogitsError('file-changed', `ended at byte ${bytes.length}`, { file, offset: bytes.length })
    }
    into.set(bytes.subarray(offset, offset + into.length))
  }

  peek(offset: number, length: number): Uint8Array | undefined {
    return offset + length <= this.size ? this.bytes.subarray(offset, offset + length) : undefined
  }
}
