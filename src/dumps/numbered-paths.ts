import { NumberColumn } from '../io/number-column.js'
import { digitsOf, splitAtNumber } from '../io/numbered-text.js'
import { Interned } from './interned.js'

/** Paths in the order they were added. Those that differ by a number alone are kept as that number. */
export class NumberedPaths {
  private readonly numbers = new NumberColumn()
  private readonly forms = new Interned<{ before: string; after: string | undefined }>()

  get length(): number {
    return this.forms.length
  }

  /** @param folder the beginning of the path, of which the last number is the one that differs */
  add(path: string, folder = path): void {
    const numbered = splitAtNumber(path, folder.length)
    const { before, number, after } = numbered ?? { before: path, number: 0, after: undefined }
    this.numbers.push(number)
    this.forms.push(`${before}\0${after ?? '\0'}`, () => ({ before, after }))
  }

  at(index: number): string {
    const { before, after } = this.forms.at(index)!
    return after === undefined ? before : before + digitsOf(this.numberAt(index)) + after
  }

  /** The number in a path; 0 where it holds none. */
  numberAt(index: number): number {
    return this.numbers.at(index)!
  }
}
