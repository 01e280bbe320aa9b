/** A value in the header of a `.npy` file. A tuple or list is an array. */
export type PythonValue = string | number | boolean | readonly PythonValue[]

const TOKEN = /[ \t\r\n]*(?:([{}()[\]:,])|'([^'\\\n]*)'|"([^"\\\n]*)"|(True|False)\b|(\d{1,15})L?(?!\w)|$)/y

/** How deep tuples and lists may nest: that of the deepest header, one of a structured dtype. */
const DEEPEST = 8

/**
 * Parses a Python dict of strings, numbers, bools, tuples and lists, as NumPy and other writers of `.npy` spell it. Knows no
 * other expression, and calls nothing.
 * @returns the dict, or what is wrong
 */
export function parsePythonDict(text: string): ReadonlyMap<string, PythonValue> | string {
  try {
    return new Parser(text).dict()
  } catch (problem) {
    return (problem as Problem).message
  }
}

/** The only error that the parser throws. */
class Problem extends Error {}

type Token = { readonly mark: string } | { readonly value: string | number | boolean }

class Parser {
  private readonly text: string
  private at = 0

  constructor(text: string) {
    this.text = text
  }

  dict(): ReadonlyMap<string, PythonValue> {
    const entries = new Map<string, PythonValue>()
    this.expect('{')
    for (let next = this.next(); ; next = this.next()) {
      if ('mark' in next && next.mark === '}') break
      if (!('value' in next) || typeof next.value !== 'string') throw new Problem('a key that is no string')
      if (entries.has(next.value)) throw new Problem('a key that appears twice')
      this.expect(':')
      entries.set(next.value, this.value(this.next(), 0))
      if (this.listEnds('}')) break
    }
    this.expect('')
    return entries
  }

  private value(token: Token, depth: number): PythonValue {
    if ('value' in token) return token.value
    const close = token.mark === '(' ? ')' : token.mark === '[' ? ']' : undefined
    if (close === undefined || depth === DEEPEST) throw new Problem(`an unexpected '${token.mark}'`)
    const items: PythonValue[] = []
    for (let next = this.next(); ; next = this.next()) {
      if ('mark' in next && next.mark === close) break
      items.push(this.value(next, depth + 1))
      if (this.listEnds(close)) break
    }
    return items
  }

  /** Reads what follows an item: a comma, or the end. */
  private listEnds(close: string): boolean {
    const token = this.next()
    const mark = 'mark' in token ? token.mark : undefined
    if (mark !== ',' && mark !== close) throw new Problem(`no ',' or '${close}' after a value`)
    return mark === close
  }

  private expect(mark: string): void {
    const token = this.next()
    if ('mark' in token && token.mark === mark) return
    throw new Problem(mark === '' ? 'text after the dict' : `no '${mark}' where it belongs`)
  }

  /** The next token; the mark `''` is the end. */
  private next(): Token {
    TOKEN.lastIndex = this.at
    const match = TOKEN.exec(this.text)
    if (!match) throw new Problem('an unexpected character')
    this.at = TOKEN.lastIndex
    const [, mark, single, double, bool, number] = match
    const text = single ?? double
    if (text !== undefined) return { value: text }
    if (bool !== undefined) return { value: bool === 'True' }
    if (number !== undefined) return { value: Number(number) }
    return { mark: mark ?? '' }
  }
}
