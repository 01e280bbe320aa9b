import { BitReader } from './bits.js'
import { IMPOSSIBLE, impossible, impossibleFill, readIds } from './code.js'
import { OLD_SKETCH_SIZE } from './sketch.js'
import { type CompactRow, type Fill, RANGES } from './types.js'

// Rows of formats 1 and 2, little-endian: 5 uint32, the digest of the suppressed ids, float64s (9 of the row, 3 of each range),
// two sketches as int16; then, if suppressed logits are finite, their sums and the digest of the others; then the gaps and
// roots of the listed ids, in bytes of their own.

const DIGEST_AT = 4 * 5
const FLOATS_AT = DIGEST_AT + 16
const FLOATS = 9 + 3 * RANGES
const SKETCHES_AT = FLOATS_AT + 8 * FLOATS
const FILL_AT = SKETCHES_AT + 2 * 2 * OLD_SKETCH_SIZE
const FILL_BYTES = 4 * 8 + 16

/**
 * Decodes a row of a vocabulary of `count` ids.
 * @param format 1 or 2: in format 1, rows lacked `fill`
 * @returns a string with the reason if the bytes are no such row
 */
export function decodeOldRow(bytes: Uint8Array, count: number, format: number): CompactRow | string {
  if (bytes.length < FILL_AT) return `it has ${bytes.length} bytes, but a row has at least ${FILL_AT}`
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const [listed, gapBytes, top1, suppressed, infinite] = [0, 4, 8, 12, 16].map((at) => view.getUint32(at, true)) as [
    number,
    number,
    number,
    number,
    number,
  ]
  const floats = Array.from({ length: FLOATS }, (_, i) => view.getFloat64(FLOATS_AT + 8 * i, true))
  const [top1Logit, logSumExp, tailCeiling, tailEntropy, floor, sum, squares, directionStep, rootsStep] = floats as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const sums = floats.slice(9)
  // Σp, Σ logit and Σ logit² of each range; only the first is used.
  const masses = Array.from({ length: RANGES }, (_, i) => sums[3 * i]!)
  if (top1 >= count) return IMPOSSIBLE
  const steps = [directionStep, rootsStep]
  const numbers = { listed, suppressed, infinite, tailEntropy, tailCeiling, floor, squares, steps, masses }
  const problem = impossible(count, { ...numbers, finite: [top1Logit, logSumExp, sum, ...sums] })
  if (problem !== undefined) return problem
  const hasFill = format >= 2 && infinite < suppressed
  const packedAt = FILL_AT + (hasFill ? FILL_BYTES : 0)
  const fill = hasFill ? fillAt(bytes, view) : undefined
  if (typeof fill === 'string') return fill
  const packed = bytes.subarray(packedAt)
  const unpacked = unpack(packed.subarray(0, gapBytes), packed.subarray(gapBytes), listed, count)
  if (typeof unpacked === 'string') return unpacked
  return {
    count,
    top1,
    top1Logit,
    logSumExp,
    ...unpacked,
    tailCeiling,
    tailEntropy,
    masses,
    suppressed,
    infinite,
    suppressedDigest: bytes.slice(DIGEST_AT, FLOATS_AT),
    ...(fill && { fill }),
    floor,
    moments: { sum, squares },
    direction: { step: directionStep, numbers: sketchAt(view, 0) },
    tailRoots: { step: rootsStep, numbers: sketchAt(view, 1) },
  }
}

function fillAt(bytes: Uint8Array, view: DataView): Fill | string {
  if (bytes.length < FILL_AT + FILL_BYTES) return 'it lacks the sums of its suppressed logits'
  const [sum, squares, min, max] = [0, 8, 16, 24].map((at) => view.getFloat64(FILL_AT + at, true)) as [
    number,
    number,
    number,
    number,
  ]
  const infiniteDigest = bytes.slice(FILL_AT + 4 * 8, FILL_AT + FILL_BYTES)
  return impossibleFill(sum, squares, min, max) ?? { sum, squares, min, max, infiniteDigest }
}

function sketchAt(view: DataView, n: number): Int16Array {
  return Int16Array.from({ length: OLD_SKETCH_SIZE }, (_, i) =>
    view.getInt16(SKETCHES_AT + 2 * (OLD_SKETCH_SIZE * n + i), true),
  )
}

function unpack(
  gaps: Uint8Array,
  packedRoots: Uint8Array,
  listed: number,
  count: number,
): Pick<CompactRow, 'ids' | 'roots'> | string {
  try {
    const [bits, rootBits] = [new BitReader(gaps), new BitReader(packedRoots)]
    const ids = readIds(bits, rootBits, listed, count)
    if (typeof ids === 'string') return ids
    return bits.isAtEnd() && rootBits.isAtEnd() ? ids : 'it has more bytes than its vocab ids need'
  } catch (error) {
    if (error instanceof RangeError) return error.message
    throw error
  }
}
