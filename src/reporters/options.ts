import { GoldenLogitsError, shown } from '../errors.js'

/** Options of the reporter, the same under Vitest and Jest. */
export interface ReporterOptions {
  /**
   * Where the CSV goes: a file, which each run replaces, or a folder (ending in `/`), where each run adds one. Relative to
   * the runner's root. Left out: `msit_cmp_report_{YYYYMMDDHHMMSS}.csv` in the root.
   */
  csv?: string
}

/** @throws GoldenLogitsError `invalid-argument` */
export function checkReporterOptions(options: unknown): ReporterOptions {
  if (options === undefined || options === null) return {}
  if (typeof options !== 'object') throw invalid(`its options must be an object such as { csv: 'logits.csv' }`)
  const unknown = Object.keys(options).find((key) => key !== 'csv')
  if (unknown !== undefined) throw invalid(`there is no option '${shown(unknown, 40)}'; there is csv`)
  const { csv } = options as ReporterOptions
  if (csv !== undefined && (typeof csv !== 'string' || csv === '')) throw invalid('the option csv must be a path')
  return csv === undefined ? {} : { csv }
}

function invalid(message: string): GoldenLogitsError {
  return new GoldenLogitsError('invalid-argument', `golden-logits/reporter: ${message}`)
}
