import { CHUNK, FOLDED, FOLDING, WINDOW } from './layout'

// A CRC-32 is the remainder of a division of polynomials over GF(2) by x³² + x²⁶ + x²³ + x²² + x¹⁶ + x¹² + x¹¹ + x¹⁰ +
// x⁸ + x⁷ + x⁵ + x⁴ + x² + x + 1, which also divides 1 + y^1837 + y^2091 + y^4018, where y = x⁸ shifts by one byte. So
// a byte may be set to 0 if it is added (XOR) to the bytes 1,927, 2,181 and 4,018 positions later. Repeated from the
// front, only the last few thousand bytes remain, with the same CRC. This is the Chorba method (Sam Russell,
// arXiv:2412.16398). Of the multiples with four terms, this is the shortest whose nearest stride is long enough that
// stored bytes have reached the cache when they are loaded again, at any alignment.

const NEAREST: usize = 1927
const NEXT: usize = 2181
const FARTHEST: usize = 4018

/**
 * Folds a row of more than WINDOW + 16 bytes into its last bytes, stored at FOLDED. Their CRC with an initial value of
 * 0 is the CRC of the row with the usual initial value, all ones.
 * @returns the number of bytes at FOLDED
 */
export function foldRow(row: usize, length: i32): i32 {
  const end = row + <usize>(length & ~15) - WINDOW
  let from = row
  memory.fill(FOLDING, 0, WINDOW)
  // An initial value of all ones is the same as inverting the first four bytes.
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
  // Only earlier bytes are folded into the last bytes.
  memory.fill(FOLDING + WINDOW, 0, WINDOW)
  for (let at: usize = 0; at < WINDOW; at += 16) {
    v128.store(FOLDED + at, folded(from + at, FOLDING + WINDOW + at))
  }
  const rest = length & 15
  memory.copy(FOLDED + WINDOW, from + WINDOW, rest)
  return <i32>WINDOW + rest
}

/** Sixteen bytes plus the earlier bytes that are folded into them. */
function folded(from: usize, at: usize): v128 {
  return v128.xor(
    v128.xor(v128.load(from), v128.load(at - NEAREST)),
    v128.xor(v128.load(at - NEXT), v128.load(at - FARTHEST)),
  )
}
