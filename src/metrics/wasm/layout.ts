import type { Dtype } from '../../tensor/dtype.js'

// The same numbers as in kernel/layout.ts, kernel/constants.ts and kernel/convert.ts.

/** Where the rows begin: behind the constants, sums and blocks that are worked on. */
export const ROWS = 0x10000

export const PAGE = 0x10000

/** The loops read up to this much beyond a row. */
export const SLACK = 64

/** What the kernel calls the dtypes. */
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
}

/** Where the kernel tells what it found, as float64. */
export const RESULTS = 0x300

/** Where a row is folded to for its CRC, and from how many bytes on that is worth while. */
export const FOLDED = 0xbf80
export const FOLDABLE = 0x4000
