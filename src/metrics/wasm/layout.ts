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

/** Sums in two lanes of float64. */
export const SUMS = {
  gg: 0x100,
  gd: 0x110,
  dd: 0x120,
  golden: 0x130,
  dump: 0x140,
  absolute: 0x150,
  absoluteMax: 0x160,
  relative: 0x170,
  relativeMax: 0x180,
  mass: 0x240,
  linear: 0x250,
  bregmanWhole: 0x260,
  bregmanRest: 0x270,
  mm: 0x280,
  gm: 0x290,
} as const

/** Counts in four lanes of int32. */
export const COUNTS = { bothSuppressed: 0x190, goldenOnly: 0x1a0, dumpOnly: 0x1b0 } as const

/** In four lanes of float32: the golden's maximum over the ids that only the dump suppresses. */
export const MISSED_MAX = 0x1c0

/** Maximum and minimum as float32, and the start of the first block that holds the maximum. */
export const EXTREMES = { golden: 0x210, dump: 0x220 } as const

export const FIRST_MISMATCH = 0x230

/** Of the running divergence: a float64, and two int32 that are 0 or 1. */
export const NOISE = 0x2a0
export const GIVEN_UP = 0x2a8
export const RAISED = 0x2ac

/** Leading coefficients that the sums are short of. */
export const BREGMAN_LEAD = 2.7577354408850636e-6
export const EXP_LEAD = 0.24022650523924524

/** Where a row is folded to for its CRC, and from how many bytes on that is worth while. */
export const FOLDED = 0xbf80
export const FOLDABLE = 0x4000
