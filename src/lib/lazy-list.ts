import { inspect } from 'node:util'

/** Items in a row that may be made when they are asked for: a comparison of a million tokens keeps no million objects. A plain array is such a list, too. */
export interface List<T> extends Iterable<T> {
  readonly length: number
  /** @param index from 0 */
  at(index: number): T | undefined
}

/** A list whose items are made anew each time they are asked for. */
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

/** The first so many items. */
export function firstItems<T>(items: List<T>, count: number): T[] {
  return Array.from({ length: Math.min(count, items.length) }, (_, index) => items.at(index)!)
}

/**
 * Makes a property of an object a true array that is made when it is first looked at, and kept from then on: who never
 * looks pays no memory for its items.
 * @returns whether nobody has looked at it, or set it, so far
 */
export function lazyArray<T>(target: object, key: string, make: () => readonly T[]): () => boolean {
  let maker: (() => readonly T[]) | undefined = make
  let array: readonly T[] = []
  Object.defineProperty(target, key, {
    enumerable: true,
    configurable: true,
    get: () => {
      if (maker) array = maker()
      maker = undefined
      return array
    },
    set: (others: readonly T[]) => {
      maker = undefined
      array = others
    },
  })
  // Printed like any other data, not as a getter.
  Object.defineProperty(target, inspect.custom, { configurable: true, value: () => ({ ...target }) })
  return () => maker !== undefined
}
