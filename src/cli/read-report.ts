import { GoldenLogitsError, printable } from '../errors.js'
import { linesOf, MOST_LINE } from '../io/lines.js'
import type { TestPlace } from '../report/rows.js'

/** One record of a CSV file: its cells, and its byte range. */
interface PlacedRecord {
  readonly cells: readonly string[]
  readonly from: number
  readonly to: number
}

/** Rows of one test file that follow each other in a report. */
export interface ReportSpan {
  readonly place: TestPlace
  readonly from: number
  to: number
  rows: number
  failed: number
  unfinished: number
}

/**
 * Lists the rows of a report by test file. Keeps one row in memory at a time.
 * @param columns the columns of a report of this version
 * @throws GoldenLogitsError `unsupported-format` for a file that is not a report, is of another version, or is not complete
 */
export function indexReport(file: string, columns: readonly string[]): ReportSpan[] {
  const spans: ReportSpan[] = []
  const cell = (cells: readonly string[], name: string) => cells[columns.indexOf(name)]!
  let count = 0
  let expected: string | undefined
  for (const { cells, from, to } of recordsOf(file)) {
    if (count++ === 0) {
      checkHeader(file, cells, columns)
      continue
    }
    if (cells.length !== columns.length) {
      throw bad(file, `row ${count} has ${cells.length} cells instead of ${columns.length}: was the file cut off?`)
    }
    const reportRows = cell(cells, 'report_rows')
    expected ??= reportRows
    if (reportRows !== expected) {
      throw bad(file, `row ${count} is of a report of ${printable(reportRows)} rows, the first of one of ${expected}`)
    }
    const place = { project: cell(cells, 'project'), file: cell(cells, 'test_file') }
    let span = spans.at(-1)
    if (span?.place.project !== place.project || span.place.file !== place.file) {
      span = { place, from, to, rows: 0, failed: 0, unfinished: 0 }
      spans.push(span)
    }
    span.to = to
    span.rows++
    if (cell(cells, 'pass') !== 'true' && cell(cells, 'expectation') !== 'met') span.failed++
    if (cell(cells, 'verdict') === 'unfinished') span.unfinished++
  }
  if (count === 0) throw bad(file, 'the file is empty')
  if (expected === undefined) throw bad(file, 'the report has no rows: was the file cut off?')
  if (Number(expected) !== count - 1) {
    const advice = Number(expected) > count - 1 ? 'was the file cut off?' : 'were rows added?'
    throw bad(
      file,
      `the report has ${count - 1} rows, but its column report_rows says ${printable(expected)}: ${advice}`,
    )
  }
  return spans
}

function checkHeader(file: string, header: readonly string[], columns: readonly string[]): void {
  if (header.join() === columns.join()) return
  const missing = columns.find((name) => !header.includes(name))
  const unknown = header.find((name) => !columns.includes(name))
  if (!header.includes('token_id') || !header.includes('test_file')) {
    throw bad(file, 'this is not a report of golden-logits: its first line does not name the expected columns')
  }
  const difference = missing ? `has no ${missing}` : unknown ? `has a column ${unknown}` : 'has them in another order'
  throw bad(file, `another version of golden-logits wrote it, with other columns (it ${difference})`)
}

function bad(file: string, message: string): GoldenLogitsError {
  return new GoldenLogitsError('unsupported-format', message, { file })
}

/** The cells of the rows in a byte range of a report that `indexReport` has checked. */
export function* cellsIn(file: string, from: number, to: number): Iterable<readonly string[]> {
  for (const { cells } of recordsOf(file, from, to)) yield cells
}

/** The records of a CSV file (RFC 4180). A record ends with the line in which its quotes are closed. */
function* recordsOf(file: string, start?: number, end?: number): Iterable<PlacedRecord> {
  let lines: string[] = []
  let begin = 0
  let quotes = 0
  let isEnded = true
  for (const { line, from, to, isComplete, isText } of linesOf(file, start, end)) {
    if (!isText) throw bad(file, `the line at byte ${from} is not UTF-8: did another program save the file?`)
    if (lines.length === 0) begin = from
    // A spreadsheet puts a byte order mark at the start of the file.
    lines.push(from === 0 ? line.replace(/^\uFEFF/, '') : line)
    isEnded = isComplete
    quotes += line.split('"').length - 1
    if (quotes % 2 === 1) {
      if (to - begin <= MOST_LINE) continue
      throw bad(
        file,
        `a quoted cell of the row at byte ${begin} does not end within ${MOST_LINE} bytes: was it edited?`,
      )
    }
    yield { cells: cellsOf(lines.join('\n')), from: begin, to }
    lines = []
  }
  if (lines.length > 0) throw bad(file, 'its last row ends within a quoted cell: was the file cut off?')
  if (!isEnded) throw bad(file, 'its last line has no line end: was the file cut off?')
}

function cellsOf(record: string): string[] {
  const cells = `${record.replace(/\r$/, '')},`.matchAll(/(?:"((?:[^"]|"")*)"|([^,]*)),/g)
  return [...cells].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain!)
}
