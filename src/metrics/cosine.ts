/** Σg², Σm², Σgm, Σ(m − g)² and Σ(m² − g²) over the same vocab ids. */
export interface CosineSums {
  gg: number
  mm: number
  gm: number
  dd: number
  spread: number
}

/**
 * Cosine similarity, in [−1, 1]: 1 where both rows are all zero, 0 where one is.
 *
 * Near 1 it comes from the differences alone: 1 − cos = (Σd² − (‖m‖ − ‖g‖)²) / (2‖g‖‖m‖), and
 * ‖m‖ − ‖g‖ = Σd(m + g) / (‖m‖ + ‖g‖). Identical rows therefore give exactly 1. Where the lengths are too far apart for
 * that (Σd² > 2‖g‖‖m‖: from a factor of 2 + √3 on), its terms cancel, and the quotient itself is the better one.
 */
export function cosine(sums: CosineSums): number {
  const { gg, mm, gm, dd, spread } = sums
  if (gg === 0 || mm === 0) return gg === mm ? 1 : 0
  const g = Math.sqrt(gg)
  const m = Math.sqrt(mm)
  const quotient = Math.min(1, Math.max(-1, gm / g / m))
  if (quotient < 0.5 || dd > 2 * g * m) return quotient
  const lengths = spread / (g + m)
  return 1 - Math.max(0, dd - lengths * lengths) / (2 * g * m)
}
