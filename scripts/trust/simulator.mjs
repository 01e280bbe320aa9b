/** Vocabulary. */
const V = 4000

const FLOAT = new Float32Array(1)
const BITS = new Uint32Array(FLOAT.buffer)

/** The relative noise of the hidden state of each precision, with its scatter from token to token (SmolLM2-135M). */
const NOISE = { bf16: { middle: 0.0163, scatter: 0.32 }, fp16: { middle: 0.0021, scatter: 0.31 } }

/** A generator of uniform numbers in [0, 1) (mulberry32). */
export function generator(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

export function normal(random) {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

/** This many normal numbers are drawn once; rows are parts of them. */
const DRAWN = 2 ** 20

/**
 * A language model without a model: the logits follow from the whole text by a hash and are normal, scaled so that the maximum is
 * up to about `top`. The tested side has the noise of its precision, independent from logit to logit as that of a wide hidden
 * state is, and rounds its logits.
 */
export class Simulator {
  constructor({ top, dtype, seed }) {
    Object.assign(this, { top, dtype, seed })
    const random = generator(seed)
    this.drawn = Float32Array.from({ length: DRAWN }, () => normal(random))
    this.errors = Float32Array.from({ length: DRAWN }, () => normal(random))
  }

  /**
   * One pair of runs: lists of rows for `logitsOf`. In a greedy run each side goes on with its own top-1.
   * @param fault changes the rows of the tested side
   * @param variant another run of the tested side against the same golden, with its own noise
   */
  run(number, length, decoding, fault, variant = 0) {
    const random = generator(this.seed * 7919 + number * 104729 + 17 + variant * 15485863)
    const texts = { golden: number + 1, dump: number + 1 }
    const golden = []
    const dump = []
    // At which step a fault of one step is planted.
    const place = { step: 1 + Math.floor(random() * 3), length }
    let before
    for (let step = 0; step < length; step++) {
      const own = this.logits(texts.golden)
      const other = texts.dump === texts.golden ? own : this.logits(texts.dump)
      let tested = this.noisy(other, random)
      const clean = tested
      if (fault) tested = fault(tested, { ...place, at: step, random, before }) ?? tested
      before = clean
      const stored = rounded(tested, this.dtype)
      golden.push({ data: own, dims: [1, V], dtype: 'float32' })
      dump.push(stored)
      texts.golden = hash(texts.golden, topOf(own))
      texts.dump = decoding === 'forced' ? texts.golden : hash(texts.dump, topOfBits(stored.data))
    }
    return { golden, dump }
  }

  logits(text) {
    const random = generator(text)
    // Some texts have one likely continuation, others many.
    const scale = (this.top * (0.6 + 0.4 * random())) / 3.5
    const start = Math.floor(random() * (DRAWN - V))
    return this.drawn.slice(start, start + V).map((z) => scale * z)
  }

  noisy(row, random) {
    const { middle, scatter } = NOISE[this.dtype]
    const rho = middle * Math.exp(scatter * normal(random))
    let squares = 0
    for (const logit of row) squares += logit * logit
    const size = rho * Math.sqrt(squares / V)
    const start = Math.floor(random() * (DRAWN - V))
    const { errors } = this
    return row.map((logit, i) => logit + size * errors[start + i])
  }
}

/** A row as a dump of that precision holds it. */
export function rounded(row, precision) {
  const data = new Uint16Array(row.length)
  const dims = [1, row.length]
  if (precision === 'fp16') {
    for (let i = 0; i < row.length; i++) data[i] = toFloat16(row[i])
    return { data, dims, dtype: 'float16' }
  }
  for (let i = 0; i < row.length; i++) {
    FLOAT[0] = row[i]
    data[i] = (BITS[0] + 0x7fff + ((BITS[0] >>> 16) & 1)) >>> 16
  }
  return { data, dims, dtype: 'bfloat16' }
}

function topOf(row) {
  let top = 0
  for (let i = 1; i < row.length; i++) if (row[i] > row[top]) top = i
  return top
}

/** The index of the largest float16 or bfloat16: but for the sign, their bits are ordered as they are. */
function topOfBits(data) {
  let [top, most] = [0, Number.NEGATIVE_INFINITY]
  for (let i = 0; i < data.length; i++) {
    const bits = data[i]
    const order = bits & 0x8000 ? 0x7fff - bits : bits
    if (order > most) [top, most] = [i, order]
  }
  return top
}

function hash(text, id) {
  return Math.imul(text ^ (id + 0x9e3779b9), 0x85ebca6b) ^ (text >>> 13)
}

/** Bits of the nearest float16, ties to even, of float32 numbers below 65,504. */
function toFloat16(value) {
  FLOAT[0] = value
  const bits = BITS[0]
  const sign = (bits >>> 16) & 0x8000
  const size = bits & 0x7fffffff
  // Below 2⁻¹⁴: a multiple of 2⁻²⁴.
  if (size < 0x38800000) return sign | roundEven(Math.abs(value) * 2 ** 24)
  return sign | ((size - 0x38000000 + 0xfff + ((size >>> 13) & 1)) >>> 13)
}

function roundEven(value) {
  const floor = Math.floor(value)
  const rest = value - floor
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor
}
