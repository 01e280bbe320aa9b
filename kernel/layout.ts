// Where things lie in the memory that the kernel is given. The rows of a pair follow from ROWS on.

/** Elements that are worked on at a time: with all that lies between them and the sums, they stay in the L1 cache. */
export const BLOCK: i32 = 512

// Sums over a pair of rows: two lanes each of float64, or four of float32 or int32.
export const GOLDEN_SQUARES: usize = 0x100
export const GOLDEN_TIMES_GAP: usize = 0x110
export const GAP_SQUARES: usize = 0x120
export const GOLDEN_SUM: usize = 0x130
export const DUMP_SUM: usize = 0x140
export const ABSOLUTE_SUM: usize = 0x150
export const ABSOLUTE_MAX: usize = 0x160
export const RELATIVE_SUM: usize = 0x170
export const RELATIVE_MAX: usize = 0x180
export const BOTH_SUPPRESSED: usize = 0x190
export const GOLDEN_ONLY: usize = 0x1a0
export const DUMP_ONLY: usize = 0x1b0
export const MISSED_MAX: usize = 0x1c0

// What one block's scan finds, and what the row's is.
export const BLOCK_EXTREMES: usize = 0x200
export const GOLDEN_EXTREMES: usize = 0x210
export const DUMP_EXTREMES: usize = 0x220
export const FIRST_MISMATCH: usize = 0x230

export const MASS: usize = 0x240
export const LINEAR: usize = 0x250
export const BREGMAN_WHOLE: usize = 0x260
export const BREGMAN_REST: usize = 0x270
export const DUMP_SQUARES: usize = 0x280
export const PRODUCTS: usize = 0x290

/** Of the running divergence: how large the terms were that it lost digits in, whether it was given up, and whether logits were raised for it. */
export const NOISE: usize = 0x2a0
export const GIVEN_UP: usize = 0x2a8
export const RAISED: usize = 0x2ac
export const RUNNING_END: usize = 0x2b0

/** What is told of a pair. */
export const RESULTS: usize = 0x300

export const CONSTANTS: usize = 0x400

// One block of each row as float32, and between the loops float64: golden logits and reduced arguments, exponents and
// weights, gaps. Each begins a little further within its 4 KiB than the one before, so that they do not fall on each other
// in the cache.
export const GOLDEN_BLOCK: usize = 0x1000
export const DUMP_BLOCK: usize = 0x1880
export const REDUCED: usize = 0x2100
export const EXPONENTS: usize = 0x3180
export const WEIGHTS: usize = EXPONENTS
export const GAPS: usize = 0x4200

/** 1,024 roots of 2. */
export const ROOTS: usize = 0x8000

/** What a row is folded to for its CRC, behind the window that it is folded through and a chunk of it. */
export const WINDOW: usize = 4032
export const CHUNK: usize = 8064
export const FOLDING: usize = 0xa000
export const FOLDED: usize = FOLDING + 2 * WINDOW
