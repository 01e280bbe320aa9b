import type { ListedComparison, TokenComparison } from '../../compare/types.js'

const MAX_MARKS = 60
const MARKS = '▁▂▃▅▆▇█'
const NOT_MEASURED = '·'

/** The tokens of a comparison, and their limits. */
export interface Sparkable {
  readonly tokens: Iterable<Pick<TokenComparison, 'metrics'>> & { readonly length: number }
  readonly thresholds: Pick<ListedComparison['thresholds'], 'klDivergence'>
}

/**
 * KL divergence by token in at most 60 marks, in decades relative to the limit: ▁▂▃ are below it, ▅▆▇█ are not, `·` has no
 * KL. If several tokens share a mark, it shows the worst of them.
 */
export function sparkline({ tokens, thresholds }: Sparkable): { marks: string; tokensPerMark: number } {
  const tokensPerMark = Math.ceil(tokens.length / MAX_MARKS)
  let [marks, worst, shared] = ['', -1, 0]
  const mark = () => {
    marks += worst < 0 ? NOT_MEASURED : MARKS[worst]
    worst = -1
    shared = 0
  }
  for (const token of tokens) {
    worst = Math.max(worst, level(token, thresholds.klDivergence))
    if (++shared === tokensPerMark) mark()
  }
  if (shared > 0) mark()
  return { marks, tokensPerMark }
}

function level({ metrics }: Pick<TokenComparison, 'metrics'>, limit: number): number {
  if (!metrics) return -1
  const decade = Math.log10(metrics.klDivergence / limit)
  if (metrics.klDivergence < limit) return decade < -2 ? 0 : decade < -1 ? 1 : 2
  return decade < 1 ? 3 : decade < 2 ? 4 : decade < 3 ? 5 : 6
}
