import { BLOCK, SKETCHES } from './layout'

// Scalar products of two vectors with random vectors, in integers: they are exact in any order. An element of a vector fits into
// 16 bits, one of a random vector into 8 bits.

/** Random vectors that lie together. */
const GROUP: i32 = 32

/** The four sums of four vectors of four integers. At most 512·127·(2¹⁵ − 1) < 2³¹ each. */
function sums(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = i32x4.add(i32x4.shuffle(a, b, 0, 1, 4, 5), i32x4.shuffle(a, b, 2, 3, 6, 7))
  const cd = i32x4.add(i32x4.shuffle(c, d, 0, 1, 4, 5), i32x4.shuffle(c, d, 2, 3, 6, 7))
  return i32x4.add(i32x4.shuffle(ab, cd, 0, 2, 4, 6), i32x4.shuffle(ab, cd, 1, 3, 5, 7))
}

function addSums(to: usize, four: v128): void {
  v128.store(to, f64x2.add(v128.load(to), f64x2.convert_low_i32x4_s(four)))
  v128.store(to, f64x2.add(v128.load(to, 16), f64x2.convert_low_i32x4_s(i64x2.shuffle(four, four, 1, 0))), 16)
}

/**
 * Adds the products of some blocks with a group of random vectors to SKETCHES: for each random vector that with the first
 * vector, then that with the second.
 * @param integers address of the first vector, `stride` bytes before the second
 * @param random the random vectors of the group: of each block, 512 bytes of each vector
 * @param group its number: how many groups of sums come before it
 */
export function addSketches(integers: usize, stride: usize, random: usize, blocks: i32, group: i32): void {
  const to = SKETCHES + ((<usize>(group * GROUP)) << 4)
  const end = to + ((<usize>GROUP) << 4)
  for (; blocks > 0; blocks--, integers += (<usize>BLOCK) << 1) {
    for (let at = to; at < end; at += 64, random += (<usize>BLOCK) << 2) {
      let a = i32x4.splat(0)
      let b = a
      let c = a
      let d = a
      let e = a
      let f = a
      let g = a
      let h = a
      let x = integers
      let y = integers + stride
      for (let r = random, last = random + <usize>BLOCK; r < last; r += 8, x += 16, y += 16) {
        const first = v128.load(x)
        const second = v128.load(y)
        let entries = v128.load8x8_s(r)
        a = i32x4.add(a, i32x4.dot_i16x8_s(first, entries))
        b = i32x4.add(b, i32x4.dot_i16x8_s(second, entries))
        entries = v128.load8x8_s(r, 512)
        c = i32x4.add(c, i32x4.dot_i16x8_s(first, entries))
        d = i32x4.add(d, i32x4.dot_i16x8_s(second, entries))
        entries = v128.load8x8_s(r, 1024)
        e = i32x4.add(e, i32x4.dot_i16x8_s(first, entries))
        f = i32x4.add(f, i32x4.dot_i16x8_s(second, entries))
        entries = v128.load8x8_s(r, 1536)
        g = i32x4.add(g, i32x4.dot_i16x8_s(first, entries))
        h = i32x4.add(h, i32x4.dot_i16x8_s(second, entries))
      }
      addSums(at, sums(a, b, c, d))
      addSums(at + 32, sums(e, f, g, h))
    }
  }
}
