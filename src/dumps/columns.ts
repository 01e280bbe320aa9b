import { NumberColumn } from '../io/number-column.js'
import { digitsOf, splitAtNumber } from '../io/numbered-text.js'

/** A column that stores each distinct value once, and per row only its index: a million steps share a few values. */
export class DictionaryColumn<T> {
  private readonly indices = new NumberColumn()
  private readonly indexByKey = new Map<string, number>()
  private readonly values: T[] = []

  get length(): number {
    return this.indices.length
  }

  /**
   * Appends a value.
   * @param key equal for equal values
   * @param make called only if no value with this key is stored yet
   * @returns the stored value
   */
  push(key: string, make: () => T): T {
    let index = this.indexByKey.get(key)
    if (index === undefined) {
      index = this.values.push(make()) - 1
      this.indexByKey.set(key, index)
    }
    this.indices.push(index)
    return this.values[index]!
  }

  at(position: number): T | undefined {
    const index = this.indices.at(position)
    return index === undefined ? undefined : this.values[index]
  }
}

/** A column of paths. Paths that differ only by a number share their text, so each costs two numbers. */
export class PathColumn {
  private readonly numbers = new NumberColumn()
  private readonly texts = new DictionaryColumn<{ before: string; after: string | undefined }>()

  get length(): number {
    return this.texts.length
  }

  /** @param folder a prefix of the path; its last number is the one stored as a number */
  push(path: string, folder = path): void {
    const numbered = splitAtNumber(path, folder.length)
    const { before, number, after } = numbered ?? { before: path, number: 0, after: undefined }
    this.numbers.push(number)
    this.texts.push(`${before}\0${after ?? '\0'}`, () => ({ before, after }))
  }

  at(index: number): string {
    const { before, after } = this.texts.at(index)!
    return after === undefined ? before : before + digitsOf(this.numberAt(index)) + after
  }

  /** The number in a path, 0 if it has none. */
  numberAt(index: number): number {
    return this.numbers.at(index)!
  }
}
