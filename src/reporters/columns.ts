import { numberCell, textCell } from '../report/csv-cells.js'
import { TOKEN_COLUMNS } from '../report/token-columns.js'
import type { Winner } from './winners.js'

/** Which test made the comparison, and what it expected of it. */
const TEST_COLUMNS = [
  'project',
  'test_file',
  'test_name',
  'test_name_sure',
  'comparison',
  'attempt',
  'matcher',
  'is_not',
  'is_soft',
  'is_poll',
  'expectation',
  'duration_ms',
] as const

/** The columns of a report, in order. */
export const COLUMNS: readonly string[] = [...TOKEN_COLUMNS, ...TEST_COLUMNS]

/** The cells of `TEST_COLUMNS`, the same in every row of a comparison. */
export function testCells({ comparison: { started, finished }, attempt }: Winner): string[] {
  return [
    textCell(started.project),
    textCell(started.file),
    textCell(started.test),
    started.testIsSure ? 'yes' : 'no',
    String(started.ordinal),
    String(attempt),
    started.matcher,
    String(started.isNot),
    String(started.soft),
    String(started.poll),
    finished?.expectation ?? '',
    numberCell(finished?.durationMs),
  ]
}

/** A row about a comparison without tokens. */
export function bareCells(verdict: 'unfinished' | 'error', reason: string): string[] {
  const cells: Record<string, string> = { verdict, pass: 'false', reason: textCell(reason) }
  return TOKEN_COLUMNS.map((name) => cells[name] ?? '')
}
