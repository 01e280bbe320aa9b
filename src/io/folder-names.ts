import type { List } from '../lib/lazy-list.js'
import { compareNames } from './name-order.js'
import { NumberColumn } from './number-column.js'
import { digitsOf, type NumberedText, splitAtNumber } from './numbered-text.js'

export type EntryKind = 'file' | 'folder' | 'link' | 'other'

export interface FolderEntry {
  readonly name: string
  readonly kind: EntryKind
}

/** Entries of one kind whose names differ only by a number, such as `logits_gsm8k_0_7.pth`, sorted by it. */
export class NameSeries implements List<FolderEntry> {
  readonly kind: EntryKind
  readonly before: string
  readonly after: string
  readonly numbers: NumberColumn

  constructor(kind: EntryKind, before: string, after: string, numbers: NumberColumn) {
    this.kind = kind
    this.before = before
    this.after = after
    this.numbers = numbers
  }

  get length(): number {
    return this.numbers.length
  }

  at(index: number): FolderEntry | undefined {
    const number = this.numbers.at(index)
    return number === undefined ? undefined : { name: this.before + digitsOf(number) + this.after, kind: this.kind }
  }

  *[Symbol.iterator](): Generator<FolderEntry> {
    for (let i = 0; i < this.length; i++) yield this.at(i)!
  }
}

/** The entries of a folder, sorted by name. A million numbered entries cost little memory: only their numbers are kept. */
export class FolderNames implements Iterable<FolderEntry> {
  /** Sorted by their first names. */
  readonly series: readonly NameSeries[]
  /** Entries without a number in their names. */
  readonly others: readonly FolderEntry[]

  constructor(entries: Iterable<FolderEntry>) {
    const series = new Map<string, NameSeries>()
    const others: FolderEntry[] = []
    for (const entry of entries) {
      const numbered = splitAtNumber(entry.name)
      if (numbered) addTo(series, entry.kind, numbered)
      else others.push(entry)
    }
    this.series = [...series.values()]
      .map(({ kind, before, after, numbers }) => new NameSeries(kind, before, after, numbers.sorted()))
      .sort((a, b) => compareNames(a.at(0)!.name, b.at(0)!.name))
    this.others = others.sort((a, b) => compareNames(a.name, b.name))
  }

  [Symbol.iterator](): Iterator<FolderEntry> {
    return inNameOrder([...this.series, this.others])
  }

  /** The names of entries of this kind that consist only of a number, ascending. */
  numbersOf(kind: EntryKind): List<number> {
    return (
      this.series.find((series) => series.kind === kind && series.before === '' && series.after === '')?.numbers ?? []
    )
  }
}

function addTo(series: Map<string, NameSeries>, kind: EntryKind, { before, number, after }: NumberedText): void {
  // No name contains a slash.
  const key = `${kind}/${before}/${after}`
  let entries = series.get(key)
  if (!entries) {
    entries = new NameSeries(kind, before, after, new NumberColumn())
    series.set(key, entries)
  }
  entries.numbers.push(number)
}

/** Merges several lists, each sorted by name. */
export function* inNameOrder(lists: readonly List<FolderEntry>[]): Generator<FolderEntry> {
  const heads = lists.filter(({ length }) => length > 0).map((list) => ({ list, index: 0, entry: list.at(0)! }))
  heads.sort((a, b) => compareNames(a.entry.name, b.entry.name))
  for (let first = 0; first < heads.length; ) {
    const head = heads[first]!
    yield head.entry
    const entry = head.list.at(++head.index)
    if (entry) {
      head.entry = entry
      sink(heads, first)
    } else first++
  }
}

/** Moves the head at `from` back to its place in the order. The heads behind it are sorted. */
function sink(heads: { entry: FolderEntry }[], from: number): void {
  for (let i = from; i + 1 < heads.length; i++) {
    const [head, next] = [heads[i]!, heads[i + 1]!]
    if (compareNames(head.entry.name, next.entry.name) <= 0) return
    heads[i] = next
    heads[i + 1] = head
  }
}
