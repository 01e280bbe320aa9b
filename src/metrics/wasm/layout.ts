import type { Dtype } from '../../tensor/dtype.js'

// Must be equal to the constants in kernel/layout.ts and kernel/convert.ts.

/** Address of the rows, after the kernel's constants, sums and blocks. */
export const ROWS = 0x10000

export const PAGE = 0x10000

/** The loops read up to this many bytes beyond the end of a row. */
export const SLACK = 64

/** The kernel's number of each dtype; −1 for dtypes of token ids, which are left to TypeScript. */
export const KIND: Readonly<Record<Dtype, number>> = {
  float32: 0,
  bfloat16: 1,
  float16: 2,
  float64: 3,
  int64: 4,
  int32: 5,
  int16: 6,
  int8: 7,
  uint8: 8,
  bool: 9,
  uint64: -1,
  uint32: -1,
  uint16: -1,
}

/** Address of the kernel's results, as float64. */
export const RESULTS = 0x2c0

/** Addresses of the sums of a row, and of the products with random vectors, as float64. */
export const SUMMARY = 0x600
export const SKETCHES = 0x6000

/**
 * Address of the bytes that a row is folded into to compute its CRC, and the length from which that is faster than
 * zlib.
 */
export const FOLDED = 0xbf80
export const FOLDABLE = 0x4000
