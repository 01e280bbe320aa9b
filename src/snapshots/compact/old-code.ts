import { BitReader } from './bits.js'
import { MAX_ROOT } from './code.js'
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
  const isValid =
    listed <= count &&
    top1 < count &&
    suppressed <= count &&
    infinite <= suppressed &&
    [top1Logit, logSumExp, tailEntropy, floor, sum, squares, directionStep, rootsStep, ...sums].every(
      Number.isFinite,
    ) &&
    [squares, directionStep, rootsStep].every((x) => x >= 0) &&
    tailEntropy <= 0 &&
    floor <= 0 &&
    tailCeiling <= 1 &&
    masses.every((mass) => mass >= 0 && mass <= 2)
  if (!isValid) return 'it has values that no row of logits can have'
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
  if (![sum, squares, min, max].every(Number.isFinite) || squares < 0 || min > max) {
    return 'it has suppressed logits that no row can have'
  }
  const infiniteDigest = bytes.slice(FILL_AT + 4 * 8, FILL_AT + FILL_BYTES)
  return { sum, squares, min, max, infiniteDigest }
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
): { ids: Uint32Array; roots: Uint32Array } | string {
  const ids = new Uint32Array(listed)
  const roots = new Uint32Array(listed)
  try {
    const bits = new BitReader(gaps)
    const shift = bits.fixed(5)
    let next = 0
    for (let i = 0; i < listed; i++) {
      const id = next + bits.rice(shift)
      if (id >= count) return `it lists a vocab id beyond the ${count} of the row`
      ids[i] = id
      next = id + 1
    }
    const rootBits = new BitReader(packedRoots)
    const rootShift = rootBits.fixed(5)
    const lowest = rootBits.fixed(15)
    for (let i = 0; i < listed; i++) {
      const root = lowest + rootBits.golomb(rootShift)
      if (root < 1 || root > MAX_ROOT) return 'it has a probability outside of (0, 1]'
      roots[i] = root
    }
    return bits.isAtEnd() && rootBits.isAtEnd() ? { ids, roots } : 'it has more bytes than its vocab ids need'
  } catch (error) {
    if (error instanceof RangeError) return error.message
    throw error
  }
}
