import { inspect } from 'node:util'

/**
 * A list that may create its items on demand, so that a million tokens need no million objects. An array is a `List`,
 * too.
 */
export interface List<T> extends Iterable<T> {
  readonly length: number
  /** @param index from 0 */
  at(index: number): T | undefined
}

/** A list that creates an item each time it is accessed. */
export function listOf<T>(length: number, make: (index: number) => T): List<T> {
  return {
    length,
    at: (index) => (index >= 0 && index < length ? make(index) : undefined),
    *[Symbol.iterator]() {
      for (let i = 0; i < length; i++) yield make(i)
    },
  }
}

/** The first item that satisfies the condition. */
export function firstOf<T>(items: Iterable<T>, fits: (item: T) => boolean): T | undefined {
  for (const item of items) if (fits(item)) return item
  return undefined
}

/** The first `count` items, or all if there are fewer. */
export function firstItems<T>(items: List<T>, count: number): T[] {
  return Array.from({ length: Math.min(count, items.length) }, (_, index) => items.at(index)!)
}

/**
 * Defines a property whose array is created when the property is first read, and kept. Items cost no memory until then.
 * @returns a function that returns whether the property has been neither read nor set so far
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
