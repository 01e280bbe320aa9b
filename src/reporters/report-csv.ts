import { closeSync, existsSync, linkSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname, relative, sep } from 'node:path'
import { csvLine, numberCell, textCell } from '../report/csv-cells.js'
import { TOKEN_COLUMNS } from '../report/token-columns.js'
import { indexSpool, type SpooledComparison, tokenRows } from './spool-reader.js'
import { lastAttempts } from './winners.js'

const TEST_COLUMNS = [
  'project',
  'test_file',
  'test_name',
  'test_name_sure',
  'comparison',
  'attempt',
  'matcher',
  'is_not',
  'expectation',
  'duration_ms',
] as const

export const COLUMNS: readonly string[] = [...TOKEN_COLUMNS, ...TEST_COLUMNS]

const VERDICT = TOKEN_COLUMNS.indexOf('verdict')
const PASS = TOKEN_COLUMNS.indexOf('pass')
const REASON = TOKEN_COLUMNS.indexOf('reason')

export interface CsvSummary {
  rows: number
  failed: number
  /** Comparisons that the rows come from. */
  comparisons: number
  /** Comparisons that began and never ended. */
  unfinished: number
  tornLines: number
}

/** Where a report goes, and whether it takes the place of one that is there. */
export interface CsvTarget {
  readonly path: string
  readonly replace: boolean
}

/**
 * Writes the rows of a run, under a temporary name first: a report is whole or not there. Memory stays bounded.
 * @param root test files are named from here on, with forward slashes
 * @returns what was written (nothing, where the run made no comparison); `undefined` where the path is taken
 */
export function writeReport(runDir: string, target: CsvTarget, root: string): CsvSummary | undefined {
  const { path, replace } = target
  const { comparisons, tornLines } = indexSpool(runDir)
  const chosen = lastAttempts(comparisons)
  const summary: CsvSummary = { rows: 0, failed: 0, comparisons: chosen.length, unfinished: 0, tornLines }
  if (chosen.length === 0) return summary
  if (!replace && existsSync(path)) return undefined
  mkdirSync(dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}.tmp`
  const descriptor = openSync(temporary, 'w')
  try {
    try {
      for (const line of lines(chosen, root, summary)) writeSync(descriptor, line)
    } finally {
      closeSync(descriptor)
    }
    return publish(temporary, target) ? summary : undefined
  } finally {
    rmSync(temporary, { force: true })
  }
}

/** Gives the file its name. A link, unlike a rename, never replaces another run's report. */
function publish(temporary: string, { path, replace }: CsvTarget): boolean {
  if (!replace) {
    try {
      linkSync(temporary, path)
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
      // A file system without links: a rename is the next best.
    }
  }
  renameSync(temporary, path)
  return true
}

function* lines(comparisons: readonly SpooledComparison[], root: string, summary: CsvSummary): Iterable<string> {
  yield csvLine(COLUMNS)
  let piece = ''
  for (const comparison of comparisons) {
    const test = testCells(comparison, root)
    for (const cells of rowsOf(comparison, summary)) {
      summary.rows++
      if (cells[PASS] !== 'true') summary.failed++
      piece += csvLine([...cells, ...test])
      if (piece.length < 1 << 16) continue
      yield piece
      piece = ''
    }
  }
  yield piece
}

/** Its tokens; and one row that says so where it made none, or did not end. */
function* rowsOf(comparison: SpooledComparison, summary: CsvSummary): Iterable<readonly string[]> {
  yield* tokenRows(comparison)
  const { finished } = comparison
  if (!finished) {
    summary.unfinished++
    yield bare('unfinished', 'the comparison began but did not end: its worker died')
  } else if (finished.expectation === 'error') yield bare('error', finished.error ?? '')
}

function bare(verdict: string, reason: string): string[] {
  const cells = TOKEN_COLUMNS.map(() => '')
  cells[VERDICT] = verdict
  cells[PASS] = 'false'
  cells[REASON] = textCell(reason)
  return cells
}

function testCells({ started, finished }: SpooledComparison, root: string): string[] {
  return [
    textCell(started.project),
    textCell(relative(root, started.file).split(sep).join('/')),
    textCell(started.test),
    started.testIsSure ? 'yes' : 'no',
    String(started.ordinal),
    String(started.attempt),
    started.matcher,
    String(started.isNot),
    finished?.expectation ?? '',
    numberCell(finished?.durationMs),
  ]
}
