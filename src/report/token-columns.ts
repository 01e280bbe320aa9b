import type { ListedComparison, TokenComparison, TokenSide } from '../compare/types.js'
import { parseAtbLayer } from '../dumps/layouts/atb/names.js'
import { numberCell, textCell } from './csv-cells.js'

type Render = (token: TokenComparison, comparison: ListedComparison, index: number) => string

/** The columns of one token: those of `msit llm compare`, in its order, and ours behind them. */
const COLUMNS: readonly (readonly [name: string, render: Render])[] = [
  ['token_id', ({ step }) => String(step)],
  ['data_id', (_, __, index) => String(index)],
  ...sideColumns('golden', (token) => token.golden),
  ...sideColumns('my', (token) => token.dump),
  ['cosine_similarity', ({ metrics }) => numberCell(metrics?.cosineSimilarity)],
  ['max_relative_error', ({ metrics }) => numberCell(metrics?.maxRelativeError)],
  ['mean_relative_error', ({ metrics }) => numberCell(metrics?.meanRelativeError)],
  ['max_absolute_error', ({ metrics }) => numberCell(metrics?.maxAbsoluteError)],
  ['mean_absolute_error', ({ metrics }) => numberCell(metrics?.meanAbsoluteError)],
  ['kl_divergence', ({ metrics }) => numberCell(metrics?.klDivergence)],
  ['relative_euclidean_distance', ({ metrics }) => numberCell(metrics?.relativeEuclideanDistance)],
  ['cmp_fail_reason', (token) => textCell(failReason(token))],
  ['verdict', ({ verdict }) => verdict],
  ['pass', ({ pass }) => String(pass)],
  ['reason', ({ reason }) => textCell(reason)],
  ['precision', (_, { thresholds }) => thresholds.precision],
  ['kl_limit', (_, { thresholds }) => numberCell(thresholds.klDivergence)],
  ['cosine_limit', (_, { thresholds }) => numberCell(thresholds.cosineSimilarity)],
  ['golden_top1', ({ golden }) => numberCell(golden?.top1)],
  ['my_top1', ({ dump }) => numberCell(dump?.top1)],
]

export const TOKEN_COLUMNS: readonly string[] = COLUMNS.map(([name]) => name)

/** The cells of one token, ready for `csvLine`. */
export function tokenCells(token: TokenComparison, comparison: ListedComparison, index: number): string[] {
  return COLUMNS.map(([, render]) => render(token, comparison, index))
}

function sideColumns(name: string, of: (token: TokenComparison) => TokenSide | undefined): [string, Render][] {
  const column = (suffix: string, render: (side: TokenSide) => string): [string, Render] => [
    `${name}_${suffix}`,
    (token) => {
      const side = of(token)
      return side ? render(side) : ''
    },
  ]
  return [
    column('data_path', ({ files }) => textCell(files.join(';'))),
    column('op_type', ({ layer }) => textCell(parseAtbLayer(layer)?.op ?? layer)),
    column('dtype', ({ dtype }) => (dtype ? `torch.${dtype}` : '')),
    column('shape', ({ shape, fileShape }) => shapeText(shape ?? fileShape)),
    column('max_value', ({ max }) => numberCell(max)),
    column('min_value', ({ min }) => numberCell(min)),
    column('mean_value', ({ mean }) => numberCell(mean)),
  ]
}

function shapeText(shape: readonly number[] | undefined): string {
  return shape ? `[${shape.join(', ')}]` : ''
}

/** In the words of `msit llm compare`, where it had any. */
function failReason({ verdict, reason, golden, dump }: TokenComparison): string {
  if (verdict === 'pass' || verdict === 'over-threshold' || verdict === 'diverged') return ''
  if (verdict === 'shape-mismatch') return "data shape doesn't match."
  const bad = (side: TokenSide | undefined) => (side?.nonFinite?.firstVocabId ?? -1) >= 0
  if (verdict !== 'non-finite' || !(bad(golden) || bad(dump))) return reason
  const texts = [bad(golden) ? 'golden_data includes NAN or inf.' : '', bad(dump) ? 'my_data includes NAN or inf.' : '']
  return texts.filter(Boolean).join(' ')
}
