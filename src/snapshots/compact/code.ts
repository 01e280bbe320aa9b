import { SKETCH_SIZE } from '../../metrics/sketches/random-vectors.js'
import { BitReader, BitWriter, golombLength, riceLength } from './bits.js'
import { type CompactRow, type Fill, RANGES, ROOT_STEP } from './types.js'

/** The fixed part, little-endian: 5 uint32, the digest, float64s (9 of the row, 3 of each range), two sketches as int16. */
const DIGEST_AT = 4 * 5
const FLOATS_AT = DIGEST_AT + 16
const FLOATS = 9 + 3 * RANGES
const SKETCHES_AT = FLOATS_AT + 8 * FLOATS
const FILL_AT = SKETCHES_AT + 2 * 2 * SKETCH_SIZE

/** A row with finite suppressed logits has these 4 float64 and a digest next. */
const FILL_BYTES = 4 * 8 + 16

/** Higher roots would be probabilities above 1. */
const MAX_ROOT = 1 / ROOT_STEP

/**
 * A compact row as bytes: numbers of fixed size, then the gap of each listed id to the previous one (Rice code) and its root
 * minus the lowest root (exponential Golomb code), each with the shift that gives the fewest bytes.
 */
export function encodeRow(row: CompactRow): Uint8Array {
  const gaps = Array.from(row.ids, (id, i) => (i === 0 ? id : id - row.ids[i - 1]! - 1))
  const lowest = row.roots.reduce((a, b) => Math.min(a, b), MAX_ROOT)
  const roots = Array.from(row.roots, (root) => root - lowest)
  const shift = shortest(20, 5, gaps, riceLength)
  const rootShift = shortest(16, 5 + 15, roots, golombLength)
  const [packed, packedRoots] = [new BitWriter(), new BitWriter()]
  packed.fixed(shift, 5)
  for (const gap of gaps) packed.rice(gap, shift)
  packedRoots.fixed(rootShift, 5)
  packedRoots.fixed(lowest, 15)
  for (const root of roots) packedRoots.golomb(root, rootShift)
  const [gapBytes, rootBytes] = [packed.finish(), packedRoots.finish()]
  const packedAt = FILL_AT + (row.fill ? FILL_BYTES : 0)
  const bytes = new Uint8Array(packedAt + gapBytes.length + rootBytes.length)
  const view = new DataView(bytes.buffer)
  ;[row.ids.length, gapBytes.length, row.top1, row.suppressed, row.infinite].forEach((n, i) => {
    view.setUint32(4 * i, n, true)
  })
  bytes.set(row.suppressedDigest, DIGEST_AT)
  const { moments, direction, tailRoots } = row
  const floats = [row.top1Logit, row.logSumExp, row.tailCeiling, row.tailEntropy, row.floor]
  floats.push(moments.sum, moments.squares, direction.step, tailRoots.step)
  for (const { mass, sum, squares } of row.ranges) floats.push(mass, sum, squares)
  floats.forEach((x, i) => {
    view.setFloat64(FLOATS_AT + 8 * i, x, true)
  })
  ;[...direction.numbers, ...tailRoots.numbers].forEach((x, i) => {
    view.setInt16(SKETCHES_AT + 2 * i, x, true)
  })
  if (row.fill) {
    const { sum, squares, min, max, infiniteDigest } = row.fill
    ;[sum, squares, min, max].forEach((x, i) => {
      view.setFloat64(FILL_AT + 8 * i, x, true)
    })
    bytes.set(infiniteDigest, FILL_AT + 4 * 8)
  }
  bytes.set(gapBytes, packedAt)
  bytes.set(rootBytes, packedAt + gapBytes.length)
  return bytes
}

/** The shift with which the numbers take the fewest bytes, after `before` bits. */
function shortest(
  shifts: number,
  before: number,
  numbers: readonly number[],
  lengthOf: (value: number, shift: number) => number,
): number {
  const bytes = Array.from({ length: shifts }, (_, shift) => {
    return Math.ceil(numbers.reduce((sum, n) => sum + lengthOf(n, shift), before) / 8)
  })
  return bytes.indexOf(Math.min(...bytes))
}

/**
 * Decodes what `encodeRow` wrote, for a vocabulary of `count` ids.
 * @param format of the snapshot: before format 2, rows lacked `fill`
 * @returns a string with the reason if the bytes are no such row
 */
export function decodeRow(bytes: Uint8Array, count: number, format: number): CompactRow | string {
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
  const ranges = Array.from({ length: RANGES }, (_, i) => {
    return { mass: sums[3 * i]!, sum: sums[3 * i + 1]!, squares: sums[3 * i + 2]! }
  })
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
    ranges.every(({ mass, squares }) => mass >= 0 && mass <= 2 && squares >= 0)
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
    ranges,
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
  return Int16Array.from({ length: SKETCH_SIZE }, (_, i) =>
    view.getInt16(SKETCHES_AT + 2 * (SKETCH_SIZE * n + i), true),
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
