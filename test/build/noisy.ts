import type { LogitsTensor } from '../../src/index.js'
import { rawOf } from './logits.js'

/** Uniform numbers in [0, 1), the same for each seed (mulberry32). */
export function uniform(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

export function normals(seed: number, count: number): number[] {
  const random = uniform(seed)
  return Array.from({ length: count }, () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()))
}

const WIDTH = 512

/** Rows of normal logits with a standard deviation of 3, float32, the same for each seed. */
export function goldenRows(seed: number, count: number): number[][] {
  return Array.from({ length: count }, (_, step) => normals(1000 * seed + step, WIDTH).map((z) => Math.fround(3 * z)))
}

/** The rows with independent noise, rounded to bfloat16, as a low-precision run of the same text has them. */
export function noisyRows(golden: readonly (readonly number[])[], seed: number, noise = 0.05, factor = 1): number[][] {
  return golden.map((row, step) => {
    const errors = normals(7919 * seed + step + 500_000, row.length)
    return row.map((logit, i) => bfloat16(factor * (logit + noise * errors[i]!)))
  })
}

function bfloat16(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)
  bits[0] = ((bits[0]! + 0x7fff + ((bits[0]! >>> 16) & 1)) >>> 16) << 16
  return new Float32Array(bits.buffer)[0]!
}

export function inMemory(rows: readonly (readonly number[])[], dtype: 'float32' | 'bfloat16'): LogitsTensor[] {
  return rows.map((row) => {
    const raw = rawOf(row, dtype)
    const data = dtype === 'float32' ? new Float32Array(raw.buffer) : new Uint16Array(raw.buffer)
    return { data, dims: [1, row.length], dtype }
  })
}
