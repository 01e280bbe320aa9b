import { BitReader, BitWriter, golombLength, riceLength } from './bits.js'
import { DIGEST_OF_NO_IDS } from './row-facts.js'
import { MOST_STEPS, SKETCH_SIZE, type Sketch } from './sketch.js'
import { type CompactRow, type Fill, RANGES, ROOT_STEP } from './types.js'

/** Higher roots would be probabilities above 1. */
const MAX_ROOT = 1 / ROOT_STEP

const DIGEST_BYTES = 16
const STEP_BITS = 12

/**
 * A compact row as bits: the counts, the sums, the sketches, then the gap of each listed id to the previous one (Rice code)
 * and its root minus the lowest root (exponential Golomb code), each with the shift that gives the fewest bits. What is the
 * same for nearly all rows takes few bits. The top-1 is not repeated: the line of the token has it.
 */
export function encodeRow(row: CompactRow): Uint8Array {
  const bits = new BitWriter()
  bits.golomb(row.ids.length, 6)
  bits.golomb(row.suppressed, 0)
  bits.golomb(row.infinite, 0)
  const { moments, direction, tailRoots, fill } = row
  for (const x of [row.logSumExp, row.tailEntropy, moments.sum, moments.squares]) bits.float64(x)
  for (const x of [...row.masses, row.tailCeiling, row.floor, direction.step, tailRoots.step]) bits.float32(x)
  if (row.suppressed > 0) bits.octets(row.suppressedDigest)
  if (fill) {
    for (const x of [fill.sum, fill.squares, fill.min, fill.max]) bits.float64(x)
    bits.octets(fill.infiniteDigest)
  }
  for (const { numbers } of [direction, tailRoots]) for (const x of numbers) bits.fixed(x + MOST_STEPS, STEP_BITS)
  writeIds(bits, row)
  return bits.finish()
}

function writeIds(bits: BitWriter, row: CompactRow): void {
  const gaps = Array.from(row.ids, (id, i) => (i === 0 ? id : id - row.ids[i - 1]! - 1))
  const lowest = row.roots.reduce((a, b) => Math.min(a, b), MAX_ROOT)
  const roots = Array.from(row.roots, (root) => root - lowest)
  const shift = shortest(20, gaps, riceLength)
  bits.fixed(shift, 5)
  for (const gap of gaps) bits.rice(gap, shift)
  const rootShift = shortest(16, roots, golombLength)
  bits.fixed(rootShift, 5)
  bits.fixed(lowest, 15)
  for (const root of roots) bits.golomb(root, rootShift)
}

/** The shift with which the numbers take the fewest bits, the lowest one of several. */
function shortest(
  shifts: number,
  numbers: readonly number[],
  lengthOf: (value: number, shift: number) => number,
): number {
  let [best, fewest] = [0, Number.POSITIVE_INFINITY]
  for (let shift = 0; shift < shifts; shift++) {
    let bits = 0
    for (const number of numbers) bits += lengthOf(number, shift)
    if (bits < fewest) {
      best = shift
      fewest = bits
    }
  }
  return best
}

/** What the line of a token says of its row. */
export type RowLine = Pick<CompactRow, 'count' | 'top1' | 'top1Logit'>

/**
 * Decodes what `encodeRow` wrote.
 * @returns a string with the reason if the bytes are no such row
 */
export function decodeRow(bytes: Uint8Array, line: RowLine): CompactRow | string {
  return rowOrReason(() => readRow(new BitReader(bytes), line))
}

/** A row, or the message of the RangeError that reading it throws. */
export function rowOrReason(read: () => CompactRow): CompactRow | string {
  try {
    return read()
  } catch (error) {
    if (error instanceof RangeError) return error.message
    throw error
  }
}

/** The numbers of a row in front of its sketches and ids, in any format. */
type RowNumbers = Omit<CompactRow, 'ids' | 'roots' | 'suppressedDigest' | 'fill' | 'direction' | 'tailRoots'>

/**
 * @param listed how many ids the row lists
 * @param steps of its sketches
 * @param others numbers of which nothing is known but that they are finite
 * @throws RangeError if no row has these numbers
 */
export function refuseImpossible(
  row: RowNumbers,
  listed: number,
  steps: readonly number[],
  others: readonly number[] = [],
): void {
  const { count, top1, top1Logit, logSumExp, suppressed, infinite, tailEntropy, tailCeiling, floor, masses } = row
  const { sum, squares } = row.moments
  const isPossible =
    top1 < count &&
    listed <= count &&
    suppressed <= count &&
    infinite <= suppressed &&
    [top1Logit, logSumExp, tailEntropy, floor, sum, squares, ...steps, ...others].every(Number.isFinite) &&
    [squares, ...steps].every((x) => x >= 0) &&
    tailEntropy <= 0 &&
    floor <= 0 &&
    tailCeiling <= 1 &&
    masses.every((mass) => mass >= 0 && mass <= 2)
  if (!isPossible) throw new RangeError(IMPOSSIBLE)
}

const IMPOSSIBLE = 'it has values that no row of logits can have'

/** @throws RangeError */
function readRow(bits: BitReader, line: RowLine): CompactRow {
  const [listed, suppressed, infinite] = [bits.golomb(6), bits.golomb(0), bits.golomb(0)]
  const [logSumExp, tailEntropy] = [bits.float64(), bits.float64()]
  const moments = { sum: bits.float64(), squares: bits.float64() }
  const masses = Array.from({ length: RANGES }, () => bits.float32())
  const [tailCeiling, floor] = [bits.float32(), bits.float32()]
  const steps = [bits.float32(), bits.float32()] as const
  const numbers = { ...line, logSumExp, tailCeiling, tailEntropy, masses, suppressed, infinite, floor, moments }
  refuseImpossible(numbers, listed, steps)
  const digest = () => bits.octets(DIGEST_BYTES)
  const suppressedDigest = suppressed > 0 ? digest() : DIGEST_OF_NO_IDS
  const fill = infinite < suppressed ? readFill(() => bits.float64(), digest) : undefined
  const [direction, tailRoots] = [readSketch(bits, steps[0]), readSketch(bits, steps[1])]
  const ids = readIds(bits, bits, listed, line.count)
  return { ...numbers, ...ids, suppressedDigest, ...(fill && { fill }), direction, tailRoots }
}

/** The sums of the finite suppressed logits. @throws RangeError if no row has them */
export function readFill(float64: () => number, digest: () => Uint8Array): Fill {
  const [sum, squares, min, max] = [float64(), float64(), float64(), float64()]
  const isPossible = [sum, squares, min, max].every(Number.isFinite) && squares >= 0 && min <= max
  if (!isPossible) throw new RangeError('it has suppressed logits that no row can have')
  return { sum, squares, min, max, infiniteDigest: digest() }
}

function readSketch(bits: BitReader, step: number): Sketch {
  const numbers = new Int16Array(SKETCH_SIZE)
  for (let i = 0; i < numbers.length; i++) numbers[i] = bits.fixed(STEP_BITS) - MOST_STEPS
  if (numbers.some((x) => x > MOST_STEPS)) throw new RangeError(IMPOSSIBLE)
  return { step, numbers }
}

/**
 * The listed ids and the roots of their probabilities, up to the end of the bits.
 * @param bits the gaps of the ids @param rootBits the roots, which may follow in the same bits
 * @throws RangeError if no row has them
 */
export function readIds(
  bits: BitReader,
  rootBits: BitReader,
  listed: number,
  count: number,
): Pick<CompactRow, 'ids' | 'roots'> {
  const ids = new Uint32Array(listed)
  const roots = new Uint32Array(listed)
  const shift = bits.fixed(5)
  let next = 0
  for (let i = 0; i < listed; i++) {
    const id = next + bits.rice(shift)
    if (id >= count) throw new RangeError(`it lists a vocab id beyond the ${count} of the row`)
    ids[i] = id
    next = id + 1
  }
  const rootShift = rootBits.fixed(5)
  const lowest = rootBits.fixed(15)
  for (let i = 0; i < listed; i++) {
    const root = lowest + rootBits.golomb(rootShift)
    if (root < 1 || root > MAX_ROOT) throw new RangeError('it has a probability outside of (0, 1]')
    roots[i] = root
  }
  if (!bits.isAtEnd() || !rootBits.isAtEnd()) throw new RangeError('it has more bytes than its vocab ids need')
  return { ids, roots }
}
