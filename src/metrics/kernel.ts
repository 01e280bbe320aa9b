import type { Dtype } from '../tensor/dtype.js'
import type { RowComparison } from './types.js'

/** Raw little-endian rows of one pair, to be filled by a reader before `compare`. Views into the kernel's own memory. */
export interface RowBuffers {
  golden: Uint8Array
  dump: Uint8Array
}

/**
 * Compares one pair of rows at a time in memory that it owns and reuses.
 * Usage: `reserve`, fill both buffers, `compare`. The buffers of an earlier `reserve` must not be used again.
 */
export interface RowKernel {
  readonly name: 'wasm' | 'typescript'
  reserve(goldenBytes: number, dumpBytes: number): RowBuffers
  /** CRC-32, as zip archives have it, of any bytes: several times as fast of those in the buffers. */
  crc32(bytes: Uint8Array): number
  /**
   * @param count the vocabulary size, at least 1: elements of each row
   * @param goldenFrom where in its buffer the golden's row begins, in bytes: its front, where nothing is said
   */
  compare(golden: Dtype, dump: Dtype, count: number, goldenFrom?: number, dumpFrom?: number): RowComparison
}
