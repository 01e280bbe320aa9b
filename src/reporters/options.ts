import { describeValue, GoldenLogitsError, invalidArgument } from '../errors.js'
import { checkObject, choice, flag, nonEmptyString } from '../lib/check-options.js'
import { type FilePath, pathOf } from '../lib/file-path.js'
import type { ObsoletePolicy } from './report-obsolete.js'
import { REPORT_FOLDER } from './target.js'

/** Options of the reporter, the same under Vitest and Jest. */
export interface ReporterOptions {
  /**
   * The path of the CSV: a file, which each run replaces, or a folder (ending in `/`), where each run adds one. Relative to
   * the runner's root. Default: `golden-logits-report/`. A file that is not a report is an error and stays as it is.
   */
  csv?: FilePath
  /**
   * The HTML report: its path, or whether to write `report.html` into `golden-logits-report/`. Default: true, unless the option
   * `csv` is set. A run of more than 50,000 rows gets one only if this option is set.
   */
  html?: boolean | FilePath
  /** The report as JSON: its path, or true for `report.json` in `golden-logits-report/`. Default: false. */
  json?: boolean | FilePath
  /** The report as JUnit XML: its path, or true for `junit.xml` in `golden-logits-report/`. Default: false. */
  junit?: boolean | FilePath
  /**
   * What to do about snapshots that no test uses any more. They are looked for only if all tests of a test file ran:
   * `report` (the default) names them, `fail` also fails the run, `remove` deletes them in a run that updates snapshots
   * (`-u`) and names them in any other run.
   */
  obsolete?: ObsoletePolicy
  /** Whether the run fails if a comparison has warnings, even if all tests pass. Default: false. */
  strict?: boolean
}

type CheckedOptions = Required<Pick<ReporterOptions, 'obsolete' | 'strict'>> & {
  readonly csv?: string
  /** A path; undefined if there is none. */
  readonly html?: string
  readonly json?: string
  readonly junit?: string
  /** The HTML report was asked for, however long the run is. */
  readonly isHtmlAsked: boolean
}

/** @throws GoldenLogitsError `invalid-argument` */
export function checkReporterOptions(options: unknown): CheckedOptions {
  try {
    const known = ['csv', 'html', 'json', 'junit', 'obsolete', 'strict']
    const checked = checkObject<ReporterOptions>('the options', options ?? undefined, known, "{ csv: 'logits.csv' }")
    const csv = nonEmptyString('the option csv', pathOf(checked.csv), 'logits.csv')
    const obsolete = choice('the option obsolete', checked.obsolete, ['report', 'fail', 'remove'])
    const strict = flag('the option strict', checked.strict)
    const html = pathOrFlag('html', checked.html ?? csv === undefined, 'report.html')
    const json = pathOrFlag('json', checked.json ?? false, 'report.json')
    const junit = pathOrFlag('junit', checked.junit ?? false, 'junit.xml')
    return {
      obsolete,
      strict,
      isHtmlAsked: checked.html !== undefined,
      ...(csv !== undefined && { csv }),
      ...(html !== undefined && { html }),
      ...(json !== undefined && { json }),
      ...(junit !== undefined && { junit }),
    }
  } catch (error) {
    // The user sees this error without a stack: it must say which options are meant.
    throw withoutStack(new GoldenLogitsError('invalid-argument', `golden-logits/reporter: ${(error as Error).message}`))
  }
}

/** The runner prints the error: its stack would show only code of this package. */
export function withoutStack(error: Error): Error {
  error.stack = `${error.name}: ${error.message}`
  return error
}

/** @param name of the file in the folder of reports, if the option is `true` */
function pathOrFlag(option: string, value: unknown, name: string): string | undefined {
  if (typeof value === 'boolean') return value ? `${REPORT_FOLDER}/${name}` : undefined
  const path = pathOf(value)
  if (typeof path === 'string' && path !== '') return path
  throw invalidArgument(
    `the option ${option} must be true, false or a path such as '${name}', got ${describeValue(value)}`,
  )
}
