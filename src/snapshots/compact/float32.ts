/** The lowest float32 that is not below `value`. */
export function float32Above(value: number): number {
  const nearest = Math.fround(value)
  return nearest < value ? nextFloat32(nearest, 1) : nearest
}

/** The highest float32 that is not above `value`. */
export function float32Below(value: number): number {
  return -float32Above(-value)
}

/** The next higher (1) or lower (−1) float32. */
export function nextFloat32(float: number, direction: 1 | -1): number {
  if (float === 0) return direction * 2 ** -149
  const bits = new Int32Array(Float32Array.of(float).buffer)
  bits[0]! += float > 0 ? direction : -direction
  return new Float32Array(bits.buffer)[0]!
}
