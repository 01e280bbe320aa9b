/** Σg², Σm², Σgm, Σ(m − g)² and Σ(m² − g²) over the same vocab ids. */
export interface CosineSums {
  gg: number
  mm: number
  gm: number
  dd: number
  spread: number
}

/**
 * Cosine similarity in [−1, 1] and its distance from 1, in [0, 2]. 1 where both rows are all zero, 0 where one is.
 *
 * Near 1 the distance comes from the differences alone: 1 − cos = (Σd² − (‖m‖ − ‖g‖)²) / (2‖g‖‖m‖), and
 * ‖m‖ − ‖g‖ = Σd(m + g) / (‖m‖ + ‖g‖). Identical rows therefore give exactly 1, and no other rounding lifts a row to 1.
 */
export function cosine(sums: CosineSums): { similarity: number; distance: number } {
  const { gg, mm, gm, dd, spread } = sums
  if (gg === 0 || mm === 0) return gg === mm ? { similarity: 1, distance: 0 } : { similarity: 0, distance: 1 }
  const g = Math.sqrt(gg)
  const m = Math.sqrt(mm)
  const direct = gm / g / m
  if (direct < 0.5) return { similarity: Math.max(-1, direct), distance: Math.min(2, 1 - direct) }
  const lengths = spread / (g + m)
  const distance = Math.max(0, dd - lengths * lengths) / (2 * g * m)
  return { similarity: 1 - distance, distance }
}
