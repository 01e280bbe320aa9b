import type { TokenSide } from '../compare/types.js'
import { printable } from '../errors.js'
import { OPTIONAL } from '../metrics/optional/table.js'
import { METRICS } from '../metrics/table.js'
import type { ComparisonRow, Rendering, ReportRow, TokenRow } from './rows.js'

type Column = readonly [name: string, cell: (row: ReportRow) => string]

/** The columns of `msit llm compare` in its order, then our own. */
const COLUMNS: readonly Column[] = [
  tokenColumn('token_id', ({ step }) => String(step)),
  tokenColumn('data_id', ({ index }) => String(index)),
  ...sideColumns('golden', ({ golden, types }) => [golden, types?.golden]),
  ...sideColumns('my', ({ dump, types }) => [dump, types?.my]),
  // The table lists the metrics in the order of `msit llm compare`.
  ...METRICS.map(({ csvName, key }) => tokenColumn(csvName, ({ metrics }) => floatCell(metrics?.[key]))),
  tokenColumn('cmp_fail_reason', (token) => textCell(failReason(token))),
  ['verdict', ({ token, problem }) => (token ?? problem)!.verdict],
  ['pass', ({ token }) => String(token?.pass === true)],
  ['reason', ({ token, problem }) => textCell((token ?? problem)!.reason)],
  tokenColumn('precision', (_, { thresholds }) => thresholds?.precision ?? ''),
  tokenColumn('kl_limit', (_, { thresholds }) => floatCell(thresholds?.klDivergence)),
  tokenColumn('cosine_limit', (_, { thresholds }) => floatCell(thresholds?.cosineSimilarity)),
  tokenColumn('golden_top1', ({ golden }) => integerCell(golden?.top1)),
  tokenColumn('my_top1', ({ dump }) => integerCell(dump?.top1)),
  tokenColumn('golden_gap', ({ flip }) => floatCell(flip?.goldenGap)),
  tokenColumn('my_gap', ({ flip }) => floatCell(flip?.dumpGap)),
  tokenColumn('flip_ulps', ({ flip }) => floatCell(flip && flip.movement / flip.ulp)),
  tokenColumn('flip_allowed_ulps', ({ flip }) => floatCell(flip && flip.allowed / flip.ulp)),
  tokenColumn('near_tie', ({ flip }) => nearTieCell(flip)),
  tokenColumn('relative_spread', ({ noise }) => floatCell(noise?.relativeSpread)),
  tokenColumn('expected_kl', ({ noise }) => floatCell(noise?.expectedKl)),
  tokenColumn('largest_kl', ({ noise }) => floatCell(noise?.largestKl)),
  tokenColumn('golden_kind', ({ golden }) => kindCell(golden)),
  tokenColumn('my_kind', ({ dump }) => kindCell(dump)),
  tokenColumn('position', ({ position }) => integerCell(position)),
  tokenColumn('run', ({ run }) => textCell(run ?? '')),
  // Empty unless the comparison asks for them.
  ...OPTIONAL.map(({ csvName, key }) => tokenColumn(csvName, ({ metrics }) => floatCell(metrics?.[key]))),
  testColumn('project', ({ project }) => textCell(project)),
  testColumn('test_file', ({ file }) => textCell(file)),
  testColumn('test_name', ({ test }) => textCell(test)),
  testColumn('test_name_sure', ({ testIsSure }) => (testIsSure ? 'yes' : 'no')),
  testColumn('comparison', ({ ordinal }) => String(ordinal)),
  testColumn('repetition', ({ repetition }) => String(repetition)),
  testColumn('attempt', ({ attempt }) => String(attempt)),
  testColumn('matcher', ({ matcher }) => textCell(matcher)),
  testColumn('is_not', ({ isNot }) => String(isNot)),
  testColumn('is_soft', ({ soft }) => String(soft)),
  testColumn('is_poll', ({ poll }) => String(poll)),
  testColumn('expectation', ({ expectation }) => expectation ?? ''),
  testColumn('duration_ms', ({ durationMs }) => integerCell(durationMs)),
  testColumn('notes', ({ notes }) => textCell(notes?.join('; ') ?? '')),
  ['report_rows', ({ reportRows }) => String(reportRows)],
]

export const CSV_COLUMNS: readonly string[] = COLUMNS.map(([name]) => name)

export const csv: Rendering = {
  header: csvLine(CSV_COLUMNS),
  row: (row) => csvLine(COLUMNS.map(([, cell]) => cell(row))),
}

/** A column that is empty in a row without a token. */
function tokenColumn(name: string, cell: (token: TokenRow, comparison: ComparisonRow) => string): Column {
  return [name, ({ token, comparison }) => (token ? cell(token, comparison) : '')]
}

function testColumn(name: string, cell: (comparison: ComparisonRow) => string): Column {
  return [name, ({ comparison }) => cell(comparison)]
}

type SideAndType = readonly [side: TokenSide | undefined, type: string | undefined]

function sideColumns(name: string, sideOf: (token: TokenRow) => SideAndType): Column[] {
  const column = (suffix: string, cell: (side: TokenSide, type: string | undefined) => string): Column =>
    tokenColumn(`${name}_${suffix}`, (token) => {
      const [side, type] = sideOf(token)
      return side ? cell(side, type) : ''
    })
  return [
    column('data_path', ({ files }) => textCell(files.join(';'))),
    column('op_type', ({ layer }, type) => textCell(type ?? layer)),
    column('dtype', ({ dtype }) => (dtype ? `torch.${dtype}` : '')),
    column('shape', ({ shape, fileShape }) => shapeText(fileShape ?? shape)),
    column('max_value', ({ max }) => floatCell(max)),
    column('min_value', ({ min }) => floatCell(min)),
    column('mean_value', ({ mean }) => floatCell(mean)),
  ]
}

/** What the row holds, if a row was found. */
function kindCell(side: TokenSide | undefined): string {
  return side?.dtype === undefined ? '' : (side.kind ?? 'logits')
}

function shapeText(shape: readonly number[] | undefined): string {
  return shape ? `[${shape.join(', ')}]` : ''
}

/** Whether a flip is benign, and why. */
function nearTieCell(flip: TokenRow['flip']): string {
  if (!flip) return ''
  if (flip.isExactTie) return 'yes: a side has both logits equal'
  return flip.isBenign ? 'yes: within rounding' : 'no: beyond rounding'
}

/** The reason in the words of `msit llm compare`, if that tool has words for it. */
function failReason({ verdict, reason, golden, dump }: TokenRow): string {
  if (verdict === 'pass' || verdict === 'over-threshold' || verdict === 'not-comparable') return ''
  if (verdict === 'shape-mismatch') return "data shape doesn't match."
  const isBad = (side: TokenSide | undefined) => (side?.nonFinite?.firstVocabId ?? -1) >= 0
  if (verdict !== 'non-finite' || !(isBad(golden) || isBad(dump))) return reason
  const texts = [
    isBad(golden) ? 'golden_data includes NAN or inf.' : '',
    isBad(dump) ? 'my_data includes NAN or inf.' : '',
  ]
  return texts.filter(Boolean).join(' ')
}

/** Longer than any path; longer text is cut in the middle. */
const MAX_TEXT = 4096

/**
 * Text for a CSV cell: control and direction characters are escaped, and text that a spreadsheet would take for a formula
 * (it begins with `= + - @`, also in their full-width forms) gets a leading `'`.
 */
export function textCell(text: string): string {
  const safe = printable(text, MAX_TEXT)
  return /^[=+\-@＝＋－＠]/.test(safe) ? `'${safe}` : safe
}

/**
 * A number at full precision: the shortest decimal that reads back as the same float64; `inf`, `-inf`, `nan`. An integer gets a
 * decimal point, so that pandas reads the column as float in every report.
 */
export function floatCell(value: number | undefined): string {
  if (value === undefined) return ''
  if (Object.is(value, -0)) return '-0.0'
  // From 1e21 on, JavaScript writes an exponent.
  if (Number.isInteger(value)) return Math.abs(value) < 1e21 ? `${value}.0` : String(value)
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'
}

function integerCell(value: number | undefined): string {
  return value === undefined ? '' : String(value)
}

/** One line of RFC 4180, with its line end. */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\n`
}
