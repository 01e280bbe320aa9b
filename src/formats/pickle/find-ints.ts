import { type Budgets, withinBudget } from '../../io/budgets.js'
import { type DictValue, isKind, typeName, type Value } from './values.js'

/** Plain whole numbers of a pickle: an int, a list or tuple of ints, or one such list for each sequence of a batch. */
export interface NamedInts {
  /** The path to the value through the dicts, as of a tensor; `''` for the object itself. */
  readonly name: string
  /** The numbers, one list for each sequence; undefined if the value is anything else. */
  readonly sequences: readonly (readonly number[])[] | undefined
  /** What the value is, for a message. */
  readonly what: string
}

/** No name of ids is longer. A longer key costs nothing but this check: a pickle may repeat one of a megabyte. */
const LONGEST_NAME = 64

/**
 * The values of an unpickled object that are wanted by name, in stored order, tensors left out. Looks into dicts alone: what a
 * list holds has no name. Visits each dict once, and holds no more numbers than the pickle may have opcodes, even if lists
 * are shared.
 * @param isWanted by the key in the innermost dict; `''` is the object itself
 * @throws GoldenLogitsError `limit-exceeded`
 */
export function findInts(
  root: Value,
  isWanted: (name: string) => boolean,
  file: string,
  budgets: Budgets,
): NamedInts[] {
  const found: NamedInts[] = []
  let count = 0
  const add = (name: string, value: Value) => {
    if (isKind(value, 'tensor')) return
    const lists = listsOf(value)
    for (const { length } of lists ?? []) count += length
    withinBudget(budgets, 'pickleOpcodes', count, 'whole numbers in lists of the pickle', { file })
    found.push({ name, sequences: lists?.map((list) => [...list] as number[]), what: describe(value) })
  }
  if (!isKind(root, 'dict')) {
    if (isWanted('')) add('', root)
    return found
  }
  const seen = new Set<DictValue>([root])
  const open: { dict: DictValue; prefix: string; depth: number }[] = [{ dict: root, prefix: '', depth: 1 }]
  for (let i = 0; i < open.length; i++) {
    const { dict, prefix, depth } = open[i]!
    withinBudget(budgets, 'nesting', depth, 'nested containers', { file })
    for (const { key, value } of dict.entries.values()) {
      if (typeof key !== 'string' || key.length > LONGEST_NAME) continue
      if (!isKind(value, 'dict')) {
        if (isWanted(key)) add(prefix + key, value)
      } else if (!seen.has(value)) {
        seen.add(value)
        open.push({ dict: value, prefix: `${prefix}${key}.`, depth: depth + 1 })
      }
    }
  }
  return found
}

/** The lists of ints that a value is, not yet copied. An empty list has no ids. */
function listsOf(value: Value): (readonly Value[])[] | undefined {
  if (isInt(value)) return [[value]]
  const items = itemsOf(value)
  if (!items || items.length === 0) return undefined
  if (items.every(isInt)) return [items]
  const lists = items.map(itemsOf)
  return lists.every((list) => list !== undefined && list.length > 0 && list.every(isInt))
    ? (lists as Value[][])
    : undefined
}

function describe(value: Value): string {
  const items = itemsOf(value)
  const other = items?.find((item) => !isInt(item))
  if (other !== undefined) return `${typeName(value)} with ${typeName(other)}`
  return items?.length === 0 ? `${typeName(value)} without items` : typeName(value)
}

function itemsOf(value: Value): readonly Value[] | undefined {
  return isKind(value, 'list') || isKind(value, 'tuple') ? value.items : undefined
}

/** A whole number that a double holds exactly. Python's `True` is no int. */
function isInt(value: Value): boolean {
  return typeof value === 'number'
}
