import { crypto } from '../../lib/optional-packages.js'
import { BLOCK } from './sketch-kernel.js'

/** Random vectors are made and kept in groups of this many. */
export const GROUP = 32

/** The most random vectors that a sketch may have: snapshots of formats 1 and 2 have this many. */
export const MOST_VECTORS = 128

/** Bytes of one block of columns of a group of random vectors. */
export const BLOCK_BYTES = BLOCK * GROUP

/**
 * At most this many blocks are kept from one row to the next: 10 MiB a group, enough for 327,680 columns. The vectors of a
 * wider row are made again for each row, this many blocks at a time.
 */
export const MOST_BLOCKS = 640

/**
 * The quantiles of the normal distribution at (i + ½) / 256 for i from 128 on, in units that make the highest one 127. All
 * moments of these entries are at most the moments of the normal distribution, as the bounds of sketches require.
 */
const QUANTILES = [
  0, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 5, 5, 6, 6, 7, 7, 8, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 12, 13, 13, 14, 14, 15, 15,
  16, 16, 16, 17, 17, 18, 18, 19, 19, 20, 20, 21, 21, 22, 22, 23, 23, 24, 24, 25, 25, 26, 26, 27, 27, 28, 28, 29, 29,
  30, 30, 31, 32, 32, 33, 33, 34, 34, 35, 36, 36, 37, 37, 38, 39, 39, 40, 41, 41, 42, 43, 43, 44, 45, 45, 46, 47, 48,
  48, 49, 50, 51, 52, 53, 54, 54, 55, 56, 57, 58, 59, 61, 62, 63, 64, 65, 67, 68, 70, 71, 73, 74, 76, 78, 81, 83, 86,
  89, 92, 97, 103, 111, 127,
]

/** The 256 equally likely entries. */
export const ENTRIES: Int8Array = Int8Array.from([...QUANTILES, ...QUANTILES.map((x) => -x)])

/** The standard deviation of the entries. */
export const DEVIATION = Math.sqrt(QUANTILES.reduce((sum, x) => sum + x * x, 0) / QUANTILES.length)

const KEY = Buffer.from('golden-logits/v1')

/**
 * Writes blocks of columns of a group of random vectors, from the block `first` on: of each block, its entries of one vector
 * after the other. The entries of a vector are the key stream of AES-128-CTR with a fixed key and a different counter for each
 * vector, one byte per entry.
 * @param into `BLOCK_BYTES` for each block
 */
export function fillBlocks(into: Int8Array, first: number, group: number): void {
  const blocks = into.length / BLOCK_BYTES
  const zeros = new Uint8Array(blocks * BLOCK)
  for (let j = 0; j < GROUP; j++) {
    const counter = Buffer.alloc(16)
    counter[0] = group * GROUP + j
    counter.writeUInt32BE((first * BLOCK) / 16, 12)
    const bytes = crypto().createCipheriv('aes-128-ctr', KEY, counter).update(zeros)
    for (let block = 0; block < blocks; block++) {
      const [from, to] = [block * BLOCK, block * BLOCK_BYTES + j * BLOCK]
      for (let i = 0; i < BLOCK; i++) into[to + i] = ENTRIES[bytes[from + i]!]!
    }
  }
}
