import { type RowNoise, unknownNoise } from '../metrics/row-noise.js'

/** The numbers of a pair's noise, in the order in which they are kept. */
const KEYS = Object.keys(unknownNoise()) as (keyof RowNoise)[]

/** Bytes of the noise of a pair. */
export const NOISE_BYTES = 4 * KEYS.length

/** Keeps the noise of a pair, as float32. */
export function writeNoise(memory: Float32Array, index: number, noise: RowNoise | undefined): void {
  const start = index * KEYS.length
  for (let i = 0; i < KEYS.length; i++) memory[start + i] = noise ? noise[KEYS[i]!] : Number.NaN
}

/** @returns undefined if nothing is known of it */
export function readNoise(memory: Float32Array, index: number): RowNoise | undefined {
  const noise = unknownNoise()
  const start = index * KEYS.length
  let isKnown = false
  for (let i = 0; i < KEYS.length; i++) {
    const value = memory[start + i]!
    noise[KEYS[i]!] = value
    if (!Number.isNaN(value)) isKnown = true
  }
  return isKnown ? noise : undefined
}

export function copyNoise(from: Float32Array, fromIndex: number, to: Float32Array, toIndex: number): void {
  const start = fromIndex * KEYS.length
  to.set(from.subarray(start, start + KEYS.length), toIndex * KEYS.length)
}
