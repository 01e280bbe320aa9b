/** What comes again and again, each kept once and known by a number: a million steps hold the same few things. */
export class Interned<T> {
  private readonly numbers = new Map<string, number>()
  private readonly values: T[] = []

  /** @param key the same for the same value */
  numberOf(key: string, make: () => T): number {
    const known = this.numbers.get(key)
    if (known !== undefined) return known
    this.numbers.set(key, this.values.length)
    return this.values.push(make()) - 1
  }

  at(number: number): T {
    return this.values[number]!
  }
}
