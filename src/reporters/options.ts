import { GoldenLogitsError } from '../errors.js'
import { checkObject, choice, flag, nonEmptyString } from '../lib/check-options.js'
import { type FilePath, pathOf } from '../lib/file-path.js'
import type { ObsoletePolicy } from './report-obsolete.js'

/** Options of the reporter, the same under Vitest and Jest. */
export interface ReporterOptions {
  /**
   * The path of the CSV: a file, which each run replaces, or a folder (ending in `/`), where each run adds one. Relative to
   * the runner's root. Default: `golden-logits-report/`. A file that is not a report is an error and stays as it is.
   */
  csv?: FilePath
  /**
   * What to do about snapshots that no test uses any more. They are looked for only if all tests of a test file ran:
   * `report` (the default) names them, `fail` also fails the run, `remove` deletes them in a run that updates snapshots
   * (`-u`) and names them in any other run.
   */
  obsolete?: ObsoletePolicy
  /** Whether the run fails if a comparison has warnings, even if all tests pass. Default: false. */
  strict?: boolean
}

type CheckedOptions = Required<Pick<ReporterOptions, 'obsolete' | 'strict'>> & { readonly csv?: string }

/** @throws GoldenLogitsError `invalid-argument` */
export function checkReporterOptions(options: unknown): CheckedOptions {
  try {
    const known = ['csv', 'obsolete', 'strict']
    const checked = checkObject<ReporterOptions>('the options', options ?? undefined, known, "{ csv: 'logits.csv' }")
    const csv = nonEmptyString('the option csv', pathOf(checked.csv), 'logits.csv')
    const obsolete = choice('the option obsolete', checked.obsolete, ['report', 'fail', 'remove'])
    const strict = flag('the option strict', checked.strict)
    return { obsolete, strict, ...(csv !== undefined && { csv }) }
  } catch (error) {
    // The user sees this error without a stack: it must say which options are meant.
    throw new GoldenLogitsError('invalid-argument', `golden-logits/reporter: ${(error as Error).message}`)
  }
}
