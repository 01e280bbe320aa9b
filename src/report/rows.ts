import type { Thresholds, TokenComparison } from '../compare/types.js'

/** Identifies a test file. */
export interface TestPlace {
  readonly project: string
  readonly file: string
}

/** The comparison that a row belongs to: which test made it, and what the test expected. */
export interface ComparisonRow extends TestPlace {
  readonly test: string
  /** False if the runner may have named another test. */
  readonly testIsSure: boolean
  /** Position among the comparisons of the test's attempt, from 1. */
  readonly ordinal: number
  readonly repetition: number
  readonly attempt: number
  readonly matcher: string
  readonly isNot: boolean
  readonly soft: boolean
  readonly poll: boolean
  /** Whether the test's expectation holds, `.not` considered. `error`: there was no comparison. Absent if it did not end. */
  readonly expectation?: 'met' | 'not met' | 'error'
  readonly durationMs?: number
  /** Absent if there are no tokens. */
  readonly thresholds?: Thresholds
  /** Of the comparison, warnings included. Absent if it did not end, or there was none. */
  readonly notes?: readonly string[]
}

/** What reports call a comparison: its test, and which of the test's comparisons it is. */
export function comparisonTitle(
  comparison: Pick<ComparisonRow, 'project' | 'file' | 'test' | 'repetition' | 'ordinal'>,
): string {
  const { project, file, test, repetition, ordinal } = comparison
  const names = [project, file, test].filter((name) => name !== '').join(' > ')
  return `${names}${repetition > 1 ? `, repetition ${repetition}` : ''}${ordinal > 1 ? `, comparison ${ordinal}` : ''}`
}

/** The type of the operation that emitted the logits, as far as a dump says it: `Linear`, `LmHead`. */
export interface OperationTypes {
  readonly golden?: string | undefined
  readonly my?: string | undefined
}

/** A token as plain data: the only form in which a token is spooled, and from which every rendering is made. */
export interface TokenRow extends Readonly<TokenComparison> {
  /** Position among the tokens of the comparison, from 0. */
  readonly index: number
  readonly types?: OperationTypes | undefined
}

/**
 * What is wrong with a comparison as a whole.
 * - `error`: the matcher threw an error
 * - `unreadable`: `loadDump` threw an error
 * - `unfinished`: the comparison began and did not end
 * - `lost`: its rows could not be written
 */
export interface Problem {
  readonly verdict: 'error' | 'unreadable' | 'unfinished' | 'lost'
  readonly reason: string
}

/** One row of a report. */
export interface ReportRow {
  readonly comparison: ComparisonRow
  /** Exactly one of `token` and `problem` is present. */
  readonly token?: TokenRow
  readonly problem?: Problem
  /** Number of rows of the report, this one included. */
  readonly reportRows: number
}

/** A text form of a report, made row by row so that memory stays bounded. */
export interface Rendering {
  readonly header: string
  readonly row: (row: ReportRow) => string
}

/** The order of test files in a report: by code unit, the same on every machine. */
export function byPlace(a: TestPlace, b: TestPlace): number {
  return byCodeUnit(a.project, b.project) || byCodeUnit(a.file, b.file)
}

export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
