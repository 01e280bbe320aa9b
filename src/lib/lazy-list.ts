/** Items in order, which may be made when they are asked for: a list of a million tokens keeps no million objects. An array is a list, too. */
export interface List<T> extends Iterable<T> {
  readonly length: number
  /** @param index from 0 */
  at(index: number): T | undefined
}

/** A list whose items are made each time they are asked for. */
export function listOf<T>(length: number, make: (index: number) => T): List<T> {
  return {
    length,
    at: (index) => (index >= 0 && index < length ? make(index) : undefined),
    *[Symbol.iterator]() {
      for (let i = 0; i < length; i++) yield make(i)
    },
  }
}

/** The first item that fits. */
export function firstOf<T>(items: Iterable<T>, fits: (item: T) => boolean): T | undefined {
  for (const item of items) if (fits(item)) return item
  return undefined
}

/** The first `count` items, fewer if there are fewer. */
export function firstItems<T>(items: List<T>, count: number): T[] {
  return Array.from({ length: Math.min(count, items.length) }, (_, index) => items.at(index)!)
}
