/** A power of ten on an axis: `0.01`, `1e-5`. */
export function exponent(value: number): string {
  const power = Math.round(Math.log10(value))
  return power >= -3 && power <= 3 ? String(Number((10 ** power).toPrecision(1))) : `1e${power}`
}

/** A coordinate. */
export function rounded(value: number): number {
  return Math.round(value * 10) / 10
}
