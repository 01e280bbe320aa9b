import { address, convert } from './convert'
import { DUMP_BLOCK, GAPS, GOLDEN_BLOCK } from './layout'

// A sample of a pair, which shows how noisy the dump is at the cost of a hundredth of the comparison. The same in TypeScript:
// `sampleFacts` in src/metrics/noise.ts.

/** Columns of a sample, at even distances. */
const SAMPLE: i32 = 128

/** Logits this far below the row's maximum are suppressed. */
const SUPPRESSED: f64 = 750

/** How many columns of the sample are suppressed on neither side. */
export let sampled: i32 = 0

/** Of these columns: the robust deviation of dump − golden, and the standard deviations of both sides. */
export let sampleSpread: f64 = 0
export let sampleGolden: f64 = 0
export let sampleDump: f64 = 0

/** Reads the sample of a pair without NaN and +Inf, whose maxima are given. */
export function readSample(
  golden: usize,
  goldenKind: i32,
  dump: usize,
  dumpKind: i32,
  count: i32,
  goldenMax: f32,
  dumpMax: f32,
): void {
  const goldenFloor = <f64>goldenMax - SUPPRESSED
  const dumpFloor = <f64>dumpMax - SUPPRESSED
  let n = 0
  let g0: f64 = 0
  let m0: f64 = 0
  let g1: f64 = 0
  let gg: f64 = 0
  let m1: f64 = 0
  let mm: f64 = 0
  for (let i = 0; i < SAMPLE; i++) {
    const column = <i32>((<i64>i * <i64>count) / <i64>SAMPLE)
    convert(goldenKind, address(golden, goldenKind, column), GOLDEN_BLOCK, 1)
    convert(dumpKind, address(dump, dumpKind, column), DUMP_BLOCK, 1)
    const g = <f64>load<f32>(GOLDEN_BLOCK)
    const m = <f64>load<f32>(DUMP_BLOCK)
    if (!(g >= goldenFloor && m >= dumpFloor)) continue
    if (n === 0) {
      g0 = g
      m0 = m
    }
    store<f64>(GAPS + ((<usize>n) << 3), m - g)
    n++
    g1 += g - g0
    gg += (g - g0) * (g - g0)
    m1 += m - m0
    mm += (m - m0) * (m - m0)
  }
  sampled = n
  sampleSpread = 0
  sampleGolden = 0
  sampleDump = 0
  if (n === 0) return
  sampleGolden = deviation(g1, gg, n)
  sampleDump = deviation(m1, mm, n)
  const center = median(n)
  for (let i = 0; i < n; i++) {
    const at = GAPS + ((<usize>i) << 3)
    store<f64>(at, Math.abs(load<f64>(at) - center))
  }
  sampleSpread = 1.4826 * median(n)
}

function deviation(sum: f64, squares: f64, n: i32): f64 {
  const mean = sum / n
  return Math.sqrt(Math.max(0, squares / n - mean * mean))
}

function gapAt(i: i32): f64 {
  return load<f64>(GAPS + ((<usize>i) << 3))
}

/** The median of the first n gaps, which are reordered. */
function median(n: i32): f64 {
  const middle = n >> 1
  const upper = select(n, middle)
  if (n & 1) return upper
  let lower: f64 = -Infinity
  for (let i = 0; i < middle; i++) lower = Math.max(lower, gapAt(i))
  return (lower + upper) / 2
}

/** Hoare's quickselect. */
function select(n: i32, k: i32): f64 {
  let left = 0
  let right = n - 1
  while (left < right) {
    const a = gapAt(left)
    const b = gapAt((left + right) >> 1)
    const c = gapAt(right)
    const pivot = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c))
    let i = left
    let j = right
    while (i <= j) {
      while (gapAt(i) < pivot) i++
      while (gapAt(j) > pivot) j--
      if (i > j) break
      const swapped = gapAt(i)
      store<f64>(GAPS + ((<usize>i) << 3), gapAt(j))
      store<f64>(GAPS + ((<usize>j) << 3), swapped)
      i++
      j--
    }
    if (k <= j) right = j
    else if (k >= i) left = i
    else break
  }
  return gapAt(k)
}
