import { BLOCK, SKETCHES } from './layout'

// Scalar products of two vectors with 128 random vectors, in integers. They are exact in any order. An element of a vector is
// high·2¹⁵ + low, and both fit into 16 bits; an element of a random vector fits into 8 bits.

const SKETCH_SIZE: usize = 128

/** The four sums of four vectors of four integers. At most 4·64·2·127·(2¹⁵ − 1) < 2³¹ each. */
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
 * Adds the products of some blocks to SKETCHES: for each random vector those with the high and low halves of the first vector,
 * then of the second.
 * @param halves address of the first vector's high halves, which are `stride` bytes before its low ones, and so on
 * @param random the random vectors: of each block, 512 bytes of each vector
 */
export function addSketches(halves: usize, stride: usize, random: usize, blocks: i32): void {
  for (; blocks > 0; blocks--, halves += (<usize>BLOCK) << 1) {
    for (let j: usize = 0; j < SKETCH_SIZE; j += 2, random += (<usize>BLOCK) << 1) {
      let a = i32x4.splat(0)
      let b = a
      let c = a
      let d = a
      let e = a
      let f = a
      let g = a
      let h = a
      let r = random
      let x = halves
      let y = halves + stride
      let z = y + stride
      let w = z + stride
      for (const end = random + <usize>BLOCK; r < end; r += 8) {
        const u = v128.load8x8_s(r)
        const v = v128.load8x8_s(r, 512)
        let four = v128.load(x)
        a = i32x4.add(a, i32x4.dot_i16x8_s(four, u))
        e = i32x4.add(e, i32x4.dot_i16x8_s(four, v))
        four = v128.load(y)
        b = i32x4.add(b, i32x4.dot_i16x8_s(four, u))
        f = i32x4.add(f, i32x4.dot_i16x8_s(four, v))
        four = v128.load(z)
        c = i32x4.add(c, i32x4.dot_i16x8_s(four, u))
        g = i32x4.add(g, i32x4.dot_i16x8_s(four, v))
        four = v128.load(w)
        d = i32x4.add(d, i32x4.dot_i16x8_s(four, u))
        h = i32x4.add(h, i32x4.dot_i16x8_s(four, v))
        x += 16
        y += 16
        z += 16
        w += 16
      }
      addSums(SKETCHES + (j << 5), sums(a, b, c, d))
      addSums(SKETCHES + (j << 5) + 32, sums(e, f, g, h))
    }
  }
}
