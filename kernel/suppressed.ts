import {
  BOTH_SUPPRESSED,
  DUMP_BLOCK,
  DUMP_ONLY,
  DUMP_SUM,
  FIRST_MISMATCH,
  GOLDEN_BLOCK,
  GOLDEN_ONLY,
  GOLDEN_SUM,
  MISSED_MAX,
} from './layout'

/**
 * Copies a block in which some logits are −Inf. Sets both sides to 0 at these ids, which does not affect the sums over
 * pairs. Counts the suppressed ids, and keeps what the zeros would lose: the other side's logit in the sum of its row,
 * and the golden's maximum over the ids that the dump suppresses.
 */
export function setSuppressedAside(g: usize, m: usize, count: i32, start: i32): void {
  const suppressed = f32x4.splat(-Infinity)
  let both = v128.load(BOTH_SUPPRESSED)
  let goldenOnly = v128.load(GOLDEN_ONLY)
  let dumpOnly = v128.load(DUMP_ONLY)
  let goldenSum = v128.load(GOLDEN_SUM)
  let dumpSum = v128.load(DUMP_SUM)
  let missed = v128.load(MISSED_MAX)
  for (let i: usize = 0; i < (<usize>count) << 2; i += 16) {
    const golden = v128.load(g + i)
    const dump = v128.load(m + i)
    const inGolden = f32x4.eq(golden, suppressed)
    const inDump = f32x4.eq(dump, suppressed)
    const inEither = v128.or(inGolden, inDump)
    const inOne = v128.xor(inGolden, inDump)
    if (load<i32>(FIRST_MISMATCH) < 0 && v128.any_true(inOne)) {
      store<i32>(FIRST_MISMATCH, start + <i32>(i >> 2) + ctz(i32x4.bitmask(inOne)))
    }
    both = i32x4.sub(both, v128.and(inGolden, inDump))
    goldenOnly = i32x4.sub(goldenOnly, v128.and(inGolden, inOne))
    dumpOnly = i32x4.sub(dumpOnly, v128.and(inDump, inOne))
    goldenSum = f64x2.add(goldenSum, sumOfFour(v128.andnot(v128.and(golden, inOne), inGolden)))
    dumpSum = f64x2.add(dumpSum, sumOfFour(v128.andnot(v128.and(dump, inOne), inDump)))
    missed = f32x4.pmax(missed, v128.bitselect(golden, suppressed, inDump))
    v128.store(i, v128.andnot(golden, inEither), GOLDEN_BLOCK)
    v128.store(i, v128.andnot(dump, inEither), DUMP_BLOCK)
  }
  v128.store(BOTH_SUPPRESSED, both)
  v128.store(GOLDEN_ONLY, goldenOnly)
  v128.store(DUMP_ONLY, dumpOnly)
  v128.store(GOLDEN_SUM, goldenSum)
  v128.store(DUMP_SUM, dumpSum)
  v128.store(MISSED_MAX, missed)
}

/** The pairwise sums of four float32, as two float64. */
function sumOfFour(four: v128): v128 {
  return f64x2.add(f64x2.promote_low_f32x4(four), f64x2.promote_low_f32x4(i64x2.shuffle(four, four, 1, 0)))
}
