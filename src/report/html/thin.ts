/** With more items than these, a chart draws only those that a reader can distinguish: its size does not grow with the tokens. */
const MOST_ITEMS = 2000

/** One item for each place, the first. @param placeOf where an item is drawn, as text */
export function thinned<T>(items: readonly T[], placeOf: (item: T) => string): readonly T[] {
  if (items.length <= MOST_ITEMS) return items
  const places = new Map<string, T>()
  for (const item of items) {
    const place = placeOf(item)
    if (!places.has(place)) places.set(place, item)
  }
  return [...places.values()]
}

/** The points of a line, in order: of those in one column, the lowest and the highest. */
export function thinnedLine<T>(
  points: readonly T[],
  columnOf: (point: T) => number,
  heightOf: (point: T) => number,
): T[] {
  if (points.length <= MOST_ITEMS) return [...points]
  const columns = new Map<number, { lowest: number; highest: number }>()
  points.forEach((point, index) => {
    const column = Math.round(columnOf(point))
    const ends = columns.get(column)
    if (!ends) columns.set(column, { lowest: index, highest: index })
    else if (heightOf(point) < heightOf(points[ends.lowest]!)) ends.lowest = index
    else if (heightOf(point) > heightOf(points[ends.highest]!)) ends.highest = index
  })
  const kept = new Set([...columns.values()].flatMap(({ lowest, highest }) => [lowest, highest]))
  return points.filter((_, index) => kept.has(index))
}
