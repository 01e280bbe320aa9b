import { pad } from './block'
import { two } from './constants'
import { address, convert } from './convert'
import { BLOCK, DUMP_BLOCK, DUMP_SQUARES, GOLDEN_BLOCK, PRODUCTS } from './layout'

/** Σm² and Σgm directly, for a dump whose norm is so small that it cancels out in the sums over d. */
export function multiplyPair(golden: usize, goldenKind: i32, dump: usize, dumpKind: i32, count: i32): void {
  let squares = f64x2.splat(0)
  let products = f64x2.splat(0)
  const suppressed = f32x4.splat(-Infinity)
  for (let start = 0; start < count; start += BLOCK) {
    const size = min(count - start, BLOCK)
    convert(goldenKind, address(golden, goldenKind, start), GOLDEN_BLOCK, size)
    convert(dumpKind, address(dump, dumpKind, start), DUMP_BLOCK, size)
    pad(GOLDEN_BLOCK, size, 0)
    pad(DUMP_BLOCK, size, 0)
    for (let i: usize = 0; i < (<usize>size) << 2; i += 16) {
      const g = v128.load(i, GOLDEN_BLOCK)
      const m = v128.load(i, DUMP_BLOCK)
      const aside = v128.or(f32x4.eq(g, suppressed), f32x4.eq(m, suppressed))
      v128.store(i, v128.andnot(g, aside), GOLDEN_BLOCK)
      v128.store(i, v128.andnot(m, aside), DUMP_BLOCK)
    }
    for (let i: usize = 0; i < (<usize>size) << 2; i += 8) {
      const g = two(GOLDEN_BLOCK + i)
      const m = two(DUMP_BLOCK + i)
      squares = f64x2.add(squares, f64x2.mul(m, m))
      products = f64x2.add(products, f64x2.mul(g, m))
    }
  }
  v128.store(DUMP_SQUARES, squares)
  v128.store(PRODUCTS, products)
}
