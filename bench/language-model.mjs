// A small language model with random weights: realistic logits, and real rounding errors if its weights are quantised.
import { random } from './dumps.mjs'

function normals(next, length, scale) {
  return Float32Array.from(
    { length },
    () => scale * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  )
}

/** Rounds to this number of fraction bits: 7 for bfloat16, 10 for float16 (normal numbers only). */
function toBits(bits) {
  const factor = 2 ** (23 - bits)
  const word = new Uint32Array(1)
  const float = new Float32Array(word.buffer)
  return (x) => {
    float[0] = x
    // Round half to even.
    const low = word[0] % factor
    const odd = Math.floor(word[0] / factor) % 2
    word[0] = word[0] - low + (low > factor / 2 || (low === factor / 2 && odd === 1) ? factor : 0)
    return float[0]
  }
}

/** Quantises symmetrically to integers of this many bits, with one scale per group of `size` weights. */
function toIntegers(weights, bits, size) {
  const most = 2 ** (bits - 1) - 1
  const rounded = new Float32Array(weights.length)
  for (let at = 0; at < weights.length; at += size) {
    let max = 0
    for (let i = at; i < at + size; i++) max = Math.max(max, Math.abs(weights[i]))
    const scale = max / most || 1
    for (let i = at; i < at + size; i++) rounded[i] = Math.round(weights[i] / scale) * scale
  }
  return rounded
}

export const PRECISIONS = {
  float32: { weights: (w) => w, row: (x) => x },
  bf16: { weights: (w) => w.map(toBits(7)), row: (x) => x.map(toBits(7)) },
  fp16: { weights: (w) => w.map(toBits(10)), row: (x) => x.map(toBits(10)) },
  int8: { weights: (w, size) => toIntegers(w, 8, size), row: (x) => x },
  int4: { weights: (w) => toIntegers(w, 4, 32), row: (x) => x },
}

const SIZE = 64

/**
 * Two layers with residual connections and a head over the vocabulary. The head's bias decreases like word frequencies, and
 * entropies range from almost 0 to several nats, as in real text.
 */
export class LanguageModel {
  constructor(seed, vocab) {
    const next = random(seed)
    this.seed = seed
    this.vocab = vocab
    this.layers = [normals(next, SIZE * SIZE, 1 / 8), normals(next, SIZE * SIZE, 1 / 8)]
    this.head = normals(next, vocab * SIZE, 0.3)
    const order = Uint32Array.from({ length: vocab }, (_, i) => i)
    for (let i = vocab - 1; i > 0; i--) {
      const j = Math.floor(next() * (i + 1))
      ;[order[i], order[j]] = [order[j], order[i]]
    }
    this.bias = Float32Array.from(order, (rank) => 4 - 0.8 * Math.log(rank + 1))
    this.rounded = new Map()
  }

  /** The hidden state of a step points towards a few tokens, more or less strongly, so that certainty varies. */
  hidden(step) {
    const next = random(this.seed * 7919 + step)
    const state = normals(next, SIZE, 0.6)
    const strength = 1.4 + 2 * next()
    for (let n = 0; n < 4; n++) {
      const token = Math.floor(next() * this.vocab)
      const share = strength * (0.6 + 0.4 * next())
      for (let i = 0; i < SIZE; i++) state[i] += share * this.head[token * SIZE + i] * 1.5
    }
    return state
  }

  logits(state, precision) {
    const { layers, head } = this.weights(precision)
    let hidden = state
    for (const layer of layers) {
      const before = hidden
      hidden = before.map((x, i) => x + 0.2 * Math.tanh(dot(layer, i * SIZE, before)))
    }
    return this.bias.map((bias, id) => bias + dot(head, id * SIZE, hidden))
  }

  weights(precision) {
    const cached = this.rounded.get(precision)
    if (cached) return cached
    const round = (w) => PRECISIONS[precision].weights(w, SIZE)
    const weights = { layers: this.layers.map(round), head: round(this.head) }
    this.rounded.set(precision, weights)
    return weights
  }
}

function dot(weights, at, state) {
  let sum = 0
  for (let i = 0; i < SIZE; i++) sum += weights[at + i] * state[i]
  return sum
}
