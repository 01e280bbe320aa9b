import { NumberColumn } from '../io/number-column.js'

/** A column of what comes again and again, each kept once: a million steps hold the same few things. */
export class Interned<T> {
  private readonly places = new NumberColumn()
  private readonly numbers = new Map<string, number>()
  private readonly values: T[] = []

  get length(): number {
    return this.places.length
  }

  /**
   * Adds a value.
   * @param key the same for the same value
   * @returns the value, which was made if there was none like it
   */
  push(key: string, make: () => T): T {
    let number = this.numbers.get(key)
    if (number === undefined) {
      number = this.values.push(make()) - 1
      this.numbers.set(key, number)
    }
    this.places.push(number)
    return this.values[number]!
  }

  at(index: number): T | undefined {
    const number = this.places.at(index)
    return number === undefined ? undefined : this.values[number]
  }
}
