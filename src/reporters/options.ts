import { GoldenLogitsError, printable } from '../errors.js'
import type { ObsoletePolicy } from './report-obsolete.js'

/** Options of the reporter, the same under Vitest and Jest. */
export interface ReporterOptions {
  /**
   * Where the CSV goes: a file, which each run replaces, or a folder (ending in `/`), where each run adds one. Relative to
   * the runner's root. Left out: `msit_cmp_report_{YYYYMMDDHHMMSS}.csv` in the root.
   */
  csv?: string
  /**
   * Goldens that no test uses any more, found where a test file ran whole: `report` (the default) names them, `fail` fails
   * the run as well, `remove` deletes them in a run that updates snapshots (`-u`), and names them in any other.
   */
  obsolete?: ObsoletePolicy
}

const OPTIONS = ['csv', 'obsolete']
const POLICIES: readonly unknown[] = ['report', 'fail', 'remove']

/** @throws GoldenLogitsError `invalid-argument` */
export function checkReporterOptions(options: unknown): ReporterOptions {
  if (options === undefined || options === null) return {}
  if (typeof options !== 'object') throw invalid(`its options must be an object such as { csv: 'logits.csv' }`)
  const unknown = Object.keys(options).find((key) => !OPTIONS.includes(key))
  if (unknown !== undefined) {
    throw invalid(`there is no option '${printable(unknown, 40)}'; there are ${OPTIONS.join(' and ')}`)
  }
  const { csv, obsolete } = options as ReporterOptions
  if (csv !== undefined && (typeof csv !== 'string' || csv === '')) throw invalid('the option csv must be a path')
  if (obsolete !== undefined && !POLICIES.includes(obsolete)) {
    throw invalid(`the option obsolete must be 'report', 'fail' or 'remove'`)
  }
  return { ...(csv !== undefined && { csv }), ...(obsolete !== undefined && { obsolete }) }
}

function invalid(message: string): GoldenLogitsError {
  return new GoldenLogitsError('invalid-argument', `golden-logits/reporter: ${message}`)
}
