import type { Comparison, TokenComparison } from '../../compare/types.js'

const MAX_MARKS = 60
const MARKS = '▁▂▃▅▆▇█'
const NOT_MEASURED = '·'

/**
 * KL by token in at most 60 marks, in decades of the limit: ▁▂▃ are below it, ▅▆▇█ are not, `·` has no KL. Where tokens
 * share a mark it is the worst of them.
 */
export function sparkline({ tokens, thresholds }: Comparison): { marks: string; tokensPerMark: number } {
  const tokensPerMark = Math.ceil(tokens.length / MAX_MARKS)
  let marks = ''
  for (let i = 0; i < tokens.length; i += tokensPerMark) {
    let worst = -1
    for (let t = i; t < Math.min(i + tokensPerMark, tokens.length); t++) {
      worst = Math.max(worst, level(tokens[t]!, thresholds.klDivergence))
    }
    marks += worst < 0 ? NOT_MEASURED : MARKS[worst]
  }
  return { marks, tokensPerMark }
}

function level({ metrics }: TokenComparison, limit: number): number {
  if (!metrics) return -1
  const decade = Math.log10(metrics.klDivergence / limit)
  if (metrics.klDivergence < limit) return decade < -2 ? 0 : decade < -1 ? 1 : 2
  return decade < 1 ? 3 : decade < 2 ? 4 : decade < 3 ? 5 : 6
}
