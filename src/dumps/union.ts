import { NumberColumn } from '../io/number-column.js'
import type { List } from '../lib/lazy-list.js'

/** The numbers of lists that are ascending each, ascending and each once. */
export function unionOf(lists: readonly List<number>[]): List<number> {
  if (lists.length === 1) return lists[0]!
  const union = new NumberColumn()
  const places = lists.map(() => 0)
  for (;;) {
    let least = Number.POSITIVE_INFINITY
    for (const [i, list] of lists.entries()) least = Math.min(least, list.at(places[i]!) ?? least)
    if (least === Number.POSITIVE_INFINITY) return union
    union.push(least)
    for (const [i, list] of lists.entries()) if (list.at(places[i]!) === least) places[i]!++
  }
}
