import type { TokenComparison } from '../../compare/types.js'
import { significant } from '../../lib/number-text.js'
import type { TopLogit } from '../../metrics/top-logits.js'
import { shortNumber } from './escape.js'

/** The most probable vocab ids of both sides, rank by rank; `''` if they are not known. */
export function candidatesTable({ candidates }: TokenComparison): string {
  if (!candidates) return ''
  const { golden = [], dump = [] } = candidates
  const rows = Array.from({ length: Math.max(golden.length, dump.length) }, (_, rank) => {
    const isSame = golden[rank]?.id === dump[rank]?.id
    return `<tr${isSame ? '' : ' class="flipped"'}><th scope="row">${rank + 1}${cells(golden[rank], dump)}${cells(dump[rank], golden)}`
  })
  const names = ['golden id', 'logit', 'probability', 'in dump', 'dump id', 'logit', 'probability', 'in golden']
  const head = ['rank', ...names].map((name) => `<th scope="col">${name}`)
  return `<div class="scroll"><table class="candidates"><caption>Most probable vocab ids</caption><thead><tr>${head.join('')}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`
}

/** An id of one side, and its rank among the other side's. */
function cells(top: TopLogit | undefined, others: readonly TopLogit[]): string {
  if (!top) return '<td><td><td><td>'
  const rank = others.findIndex(({ id }) => id === top.id)
  const place = others.length === 0 ? '' : rank < 0 ? 'not in 10' : `rank ${rank + 1}`
  return `<td>${top.id}<td>${significant(top.logit, 6)}<td>${shortNumber(top.probability)}<td>${place}`
}
