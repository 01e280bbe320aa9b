/**
 * A number for people, in `digits` significant digits, that never crosses its limit by rounding: a value above the limit
 * prints above it, one below prints below, one that equals it prints as the limit does. More digits where they need it.
 */
export function roundedAway(value: number, limit: number, digits = 6): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity'
  if (value === limit) return String(value)
  for (let precision = digits; precision <= 16; precision++) {
    const text = String(Number(value.toPrecision(precision)))
    if (value > limit === Number(text) > limit && Number(text) !== limit) return text
  }
  return String(value)
}

/** A cosine similarity for people: as above, and `1` only where it is 1. */
export function cosineText(value: number, limit: number): string {
  let text = roundedAway(value, limit)
  for (let digits = 7; text === '1' && value !== 1; digits++) text = roundedAway(value, limit, digits)
  return text
}

/** How a reason says that a limit lies between the bounds of a value. */
export const OPEN = 'which contains its limit'
