import type { Reproduction } from '../../compare/reproduce.js'
import { StepRanges, tokenName } from '../../compare/step-ranges.js'
import { printable } from '../../errors.js'
import { counted } from '../../lib/number-text.js'
import { noteLines } from './failure.js'
import { sideLines } from './token-block.js'

/** Explains where two runs of one build differ, in at most about 40 lines. Follows the matcher's hint. */
export function reproductionText(reproduction: Reproduction): string {
  const { tokens, firstFailure, counts, notes, pass } = reproduction
  const lines: string[] = []
  if (pass) {
    const all = counts.total === 1 ? 'The one token has' : `All ${counts.total} tokens have`
    lines.push(`${all} the same bits in both runs.`)
  } else {
    const name = firstFailure!.verdict === 'not-identical' ? 'differs' : `is ${firstFailure!.verdict}`
    lines.push(`First token that ${name}: ${tokenName(firstFailure!)}     (${reproductionCounts(reproduction)})`, '')
    lines.push(`  ${printable(firstFailure!.reason, 400)}`, ...sideLines(firstFailure!))
    const ranges = new StepRanges()
    for (const token of tokens) if (!token.pass) ranges.add(token.step, token.position)
    if (ranges.length > 1) lines.push('', `  not reproduced: ${ranges}`)
    if (firstFailure!.verdict === 'not-identical') lines.push('', adviceOf(reproduction))
  }
  if (notes.length > 0) lines.push('', ...noteLines(notes))
  return lines.join('\n')
}

/** `12 tokens, 9 identical, 3 different`, and the other counts that are not zero. */
export function reproductionCounts({ counts }: Reproduction): string {
  const { total, identical, different, ...others } = counts
  const rest = Object.entries(others).filter(([, count]) => count > 0)
  return [
    counted(total, 'token'),
    `${identical} identical`,
    `${different} different`,
    ...rest.map(([name, count]) => `${count} ${name === 'failed' ? 'not comparable' : name}`),
  ].join(', ')
}

function adviceOf({ tokens, firstFailure }: Reproduction): string {
  const isFirst = tokens[0]?.step === firstFailure!.step && tokens[0].position === firstFailure!.position
  const before = isFirst ? '' : 'The tokens before it are equal bit by bit. '
  return `${before}Kernels that add in another order each time, dropout, and another batch size change bits: turn on the framework's deterministic mode and run both times with the same batch.`
}
