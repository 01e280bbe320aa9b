import { BitReader } from './bits.js'
import { readFill, readIds, refuseImpossible, rowOrReason } from './code.js'
import { OLD_SKETCH_SIZE } from './sketch.js'
import { type CompactRow, RANGES } from './types.js'

// Rows of formats 1 and 2, little-endian: 5 uint32, the digest of the suppressed ids, float64s (9 of the row, 3 of each range),
// two sketches as int16; then, if suppressed logits are finite, their sums and the digest of the others; then the gaps and
// roots of the listed ids, in bytes of their own.

const DIGEST_BYTES = 16
const LEAST_BYTES = 5 * 4 + DIGEST_BYTES + (9 + 3 * RANGES) * 8 + 2 * OLD_SKETCH_SIZE * 2
const FILL_BYTES = 4 * 8 + DIGEST_BYTES

/**
 * Decodes a row of a vocabulary of `count` ids.
 * @param format 1 or 2: in format 1, rows lacked `fill`
 * @returns a string with the reason if the bytes are no such row
 */
export function decodeOldRow(bytes: Uint8Array, count: number, format: number): CompactRow | string {
  return rowOrReason(() => readOldRow(bytes, count, format))
}

function readOldRow(bytes: Uint8Array, count: number, format: number): CompactRow {
  if (bytes.length < LEAST_BYTES) {
    throw new RangeError(`it has ${bytes.length} bytes, but a row has at least ${LEAST_BYTES}`)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  const next = (size: number): number => {
    at += size
    return at - size
  }
  const uint32 = () => view.getUint32(next(4), true)
  const float64 = () => view.getFloat64(next(8), true)
  const digest = () => bytes.slice(next(DIGEST_BYTES), at)
  const sketch = () => Int16Array.from({ length: OLD_SKETCH_SIZE }, () => view.getInt16(next(2), true))
  const [listed, gapBytes, top1, suppressed, infinite] = [uint32(), uint32(), uint32(), uint32(), uint32()]
  const suppressedDigest = digest()
  const [top1Logit, logSumExp, tailCeiling] = [float64(), float64(), float64()]
  const [tailEntropy, floor] = [float64(), float64()]
  const moments = { sum: float64(), squares: float64() }
  const steps = [float64(), float64()] as const
  const sums = Array.from({ length: 3 * RANGES }, float64)
  // Σp, Σ logit and Σ logit² of each range; only the first is used.
  const masses = sums.filter((_, i) => i % 3 === 0)
  const line = { count, top1, top1Logit }
  const numbers = { ...line, logSumExp, tailCeiling, tailEntropy, masses, suppressed, infinite, floor, moments }
  refuseImpossible(numbers, listed, steps, sums)
  const direction = { step: steps[0], numbers: sketch() }
  const tailRoots = { step: steps[1], numbers: sketch() }
  const hasFill = format >= 2 && infinite < suppressed
  if (hasFill && bytes.length < at + FILL_BYTES) throw new RangeError('it lacks the sums of its suppressed logits')
  const fill = hasFill ? readFill(float64, digest) : undefined
  const packed = bytes.subarray(at)
  const ids = readIds(
    new BitReader(packed.subarray(0, gapBytes)),
    new BitReader(packed.subarray(gapBytes)),
    listed,
    count,
  )
  return { ...numbers, ...ids, suppressedDigest, ...(fill && { fill }), direction, tailRoots }
}
