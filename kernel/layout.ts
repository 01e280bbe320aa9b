// Addresses in the memory that the caller provides. The rows of a pair are behind these (ROWS in
// src/metrics/wasm/layout.ts).

/** Elements processed at a time. With all intermediate results they fit into the L1 cache. */
export const BLOCK: i32 = 512

// Sums over a pair of rows: two lanes of float64 each, or four of float32 or int32.
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

// Extremes of the current block, and of each row.
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

/**
 * Of the running divergence: the size of the terms that lost digits by cancellation, whether it was given up, and
 * whether logits were raised.
 */
export const NOISE: usize = 0x2a0
export const GIVEN_UP: usize = 0x2a8
export const RAISED: usize = 0x2ac
export const RUNNING_END: usize = 0x2b0

/** The results of a pair. */
export const RESULTS: usize = 0x2c0

export const CONSTANTS: usize = 0x400

/** Sums of a row, see summary.ts, and the two numbers of each of at most 128 sketch entries, see sketch.ts. All float64. */
export const SUMMARY: usize = 0x600
export const SKETCHES: usize = 0x6000

// One block of each row as float32, and intermediate results of the loops as float64: golden logits or reduced
// arguments, exponents or weights, gaps. Each begins at a different offset in its 4 KiB page, so that they do not evict
// each other from the cache.
export const GOLDEN_BLOCK: usize = 0x1000
export const DUMP_BLOCK: usize = 0x1880
export const REDUCED: usize = 0x2100
export const EXPONENTS: usize = 0x3180
export const WEIGHTS: usize = EXPONENTS
export const GAPS: usize = 0x4200

/** 1,024 roots of 2. */
export const ROOTS: usize = 0x8000

/** For the CRC of a row: the window and chunk through which it is folded, and the bytes that remain of it. */
export const WINDOW: usize = 4032
export const CHUNK: usize = 8064
export const FOLDING: usize = 0xa000
export const FOLDED: usize = FOLDING + 2 * WINDOW
