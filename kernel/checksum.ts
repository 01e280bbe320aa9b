import { CHUNK, FOLDED, FOLDING, WINDOW } from './layout'

// A CRC-32 is the rest of a division of polynomials over GF(2) by
// x³² + x²⁶ + x²³ + x²² + x¹⁶ + x¹² + x¹¹ + x¹⁰ + x⁸ + x⁷ + x⁵ + x⁴ + x² + x + 1, which divides
// 1 + y^1837 + y^2091 + y^4018 as well, y = x⁸ being a byte's shift. So bytes may be replaced by themselves added in (XOR)
// 1,927, 2,181 and 4,018 bytes further on, until all are 0 but the last few thousand: those have the CRC of the whole.
// The idea is that of Chorba (Sam Russell, arXiv:2412.16398). Of the multiples with four terms this is the shortest whose
// nearest stride is so long that what was stored is in the cache when it is loaded again, at whatever address.

const NEAREST: usize = 1927
const NEXT: usize = 2181
const FARTHEST: usize = 4018

/**
 * Folds a row of more than WINDOW + 16 bytes to its last ones, at FOLDED. With a CRC that starts from 0 they come to what
 * the row comes to with one that starts from all ones.
 * @returns how many bytes
 */
export function foldRow(row: usize, length: i32): i32 {
  const end = row + <usize>(length & ~15) - WINDOW
  let from = row
  memory.fill(FOLDING, 0, WINDOW)
  // All ones to start from are four inverted bytes.
  v128.store(FOLDING + WINDOW, v128.xor(v128.load(from), i32x4(-1, 0, 0, 0)))
  let done: usize = 16
  while (from < end) {
    const stop = from + min<usize>(end - from, CHUNK)
    const shift = FOLDING + WINDOW - from
    let at = from + done
    for (; at + 32 <= stop; at += 32) {
      v128.store(at + shift, folded(at, at + shift))
      v128.store(at + shift, folded(at + 16, at + shift + 16), 16)
    }
    if (at < stop) v128.store(at + shift, folded(at, at + shift))
    memory.copy(FOLDING, stop + shift - WINDOW, WINDOW)
    from = stop
    done = 0
  }
  // What is folded into the last bytes comes from before them alone.
  memory.fill(FOLDING + WINDOW, 0, WINDOW)
  for (let at: usize = 0; at < WINDOW; at += 16) {
    v128.store(FOLDED + at, folded(from + at, FOLDING + WINDOW + at))
  }
  const rest = length & 15
  memory.copy(FOLDED + WINDOW, from + WINDOW, rest)
  return <i32>WINDOW + rest
}

/** Sixteen bytes with all that is folded into them. */
function folded(from: usize, at: usize): v128 {
  return v128.xor(
    v128.xor(v128.load(from), v128.load(at - NEAREST)),
    v128.xor(v128.load(at - NEXT), v128.load(at - FARTHEST)),
  )
}
