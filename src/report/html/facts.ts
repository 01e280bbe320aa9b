import type { TokenSide } from '../../compare/types.js'
import { escapeHtml, shortNumber } from './escape.js'

/** The exact number is what the table is sorted by and what a click shows. */
export function numberCell(value: number | undefined, textOf: (value: number) => string = shortNumber): string {
  if (value === undefined) return '<td>'
  const text = textOf(value)
  return text === String(value) ? `<td>${text}` : `<td title="${value}">${text}`
}

/** `0.0001 to 0.0002`, sorted by the larger one, which a limit is about. */
export function rangeCell({ lo, hi }: { lo: number; hi: number }, sortBy: 'lo' | 'hi'): string {
  return `<td title="${sortBy === 'lo' ? lo : hi}">${shortNumber(lo)} to ${shortNumber(hi)}`
}

/** Where one side's numbers came from, and what they are. */
export function sideFacts(name: string, facts: TokenSide | undefined): string {
  if (!facts) return `<dt>${name}<dd>no file`
  const { files, layer, kind, dtype, shape, fileShape, max, min, mean } = facts
  const type = dtype ? ` · ${kind ? `${kind} in ` : ''}${dtype} [${(fileShape ?? shape ?? []).join(', ')}]` : ''
  const stats =
    max === undefined ? '' : ` · max ${shortNumber(max)}, min ${shortNumber(min)}, mean ${shortNumber(mean)}`
  return `<dt>${name}<dd>${files.map((file) => `<code>${escapeHtml(file, 4096)}</code>`).join('<br>')}${layer === '' ? '' : ` · ${escapeHtml(layer)}`}${type}${stats}`
}
