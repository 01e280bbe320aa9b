import { invalidArgument } from '../errors.js'
import { type Dtype, itemSize } from '../tensor/dtype.js'
import type { RowComparison } from './types.js'

/**
 * Buffers for the raw little-endian rows of one pair, filled by the caller before `compare`. Views into the kernel's
 * memory.
 */
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
  /** CRC-32, as in zip archives, of any bytes. Several times as fast for bytes in the buffers. */
  crc32(bytes: Uint8Array): number
  /**
   * @param count the vocabulary size, at least 1: elements of each row
   * @param goldenFrom offset of the golden's row in its buffer, in bytes; default 0
   */
  compare(golden: Dtype, dump: Dtype, count: number, goldenFrom?: number, dumpFrom?: number): RowComparison
}

/** A row that begins at byte `from` of `bytes` reserved bytes. */
type ReservedRow = readonly [dtype: Dtype, from: number, bytes: number]

/**
 * For kernels: refuses to compare more elements than were reserved, as the bytes behind them are of an earlier row.
 * @throws GoldenLogitsError `invalid-argument`
 */
export function assertReserved(count: number, golden: ReservedRow, dump: ReservedRow): void {
  if (!Number.isInteger(count) || count < 1) {
    throw invalidArgument(`the vocabulary size must be a whole number from 1, not ${count}`)
  }
  assertSide('golden', count, golden)
  assertSide('dump', count, dump)
}

function assertSide(side: string, count: number, [dtype, from, bytes]: ReservedRow): void {
  const used = from + count * itemSize(dtype)
  if (used > bytes) throw invalidArgument(`the ${side} row takes ${used} bytes, but ${bytes} were reserved`)
}
