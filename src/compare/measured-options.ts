import { asDumpOrRuns } from '../dumps/as-dump.js'
import type { Dump } from '../dumps/types.js'
import { describeValue, invalidArgument } from '../errors.js'
import { nonEmptyString, wholeNumber } from '../lib/check-options.js'
import { type FilePath, pathOf } from '../lib/file-path.js'
import { checkCalibration } from './calibration/check.js'
import { readCalibration } from './calibration/file.js'
import type { UsedCalibration } from './calibration/judge.js'
import type { Calibration } from './calibration/types.js'

/** The options whose limits were measured. */
export interface MeasuredOptions {
  /**
   * Measured limits, which replace the limits of the precision: what `calibrate` returned, or the path of its file. Limits in `thresholds`
   * come before them.
   */
  calibration?: Calibration | FilePath
  /**
   * An accepted low-precision run of the same text, judged by the same golden (best in float32): what `loadDump` returned, or a
   * path. The dump passes if its errors are at most `baselineFactor` times the baseline's, per token and over the run; the
   * limits of the precision do not count.
   */
  // Not `DumpOrPath`: by that name TypeScript does not find the types of the ES modules and of CommonJS identical.
  baseline?: Dump | FilePath
  /** How many times the errors of the baseline may be, from 1. Default: 1.5, for less than 32 tokens 2, for less than 10 tokens 3. */
  baselineFactor?: number
  /** The model of the dump, which must be that of the calibration. */
  model?: string
  /** The device of the dump, likewise. */
  device?: string
  /** Over how many processes the model of the dump was split, likewise. */
  tensorParallel?: number
}

/** The baseline, opened. */
export function checkBaseline({ baseline, baselineFactor: factor }: MeasuredOptions) {
  if (factor !== undefined && !(typeof factor === 'number' && factor >= 1 && factor < Number.POSITIVE_INFINITY)) {
    throw invalidArgument(`baselineFactor must be a number from 1, got ${describeValue(factor)}`)
  }
  if (baseline === undefined) {
    if (factor === undefined) return { baseline: undefined, baselineFactor: undefined }
    throw invalidArgument('baselineFactor multiplies the errors of a baseline: set baseline, too, or leave it out')
  }
  return { baseline: asDumpOrRuns('baseline', baseline), baselineFactor: factor }
}

/** The calibration, read, and what the dump is said to come from. */
export function checkUsed({ calibration, baseline, ...given }: MeasuredOptions): UsedCalibration | undefined {
  if (calibration !== undefined && baseline !== undefined) {
    throw invalidArgument('calibration and baseline are two rules for the same errors: leave one of them out')
  }
  const said = {
    model: nonEmptyString('model', given.model),
    device: nonEmptyString('device', given.device),
    tensorParallel: wholeNumber('tensorParallel', given.tensorParallel, 1),
  }
  if (calibration === undefined) {
    const name = Object.entries(said).find(([, value]) => value !== undefined)?.[0]
    if (name === undefined) return undefined
    throw invalidArgument(`the option ${name} says which calibration fits: set calibration, too, or leave ${name} out`)
  }
  const value: unknown = pathOf(calibration)
  if (typeof value === 'string' && value !== '') return { calibration: readCalibration(value), file: value, ...said }
  if (typeof value === 'object' && value !== null)
    return { calibration: checkCalibration(value), file: undefined, ...said }
  throw invalidArgument(
    `calibration must be the path of a calibration file or what calibrate returned, got ${describeValue(value)}`,
  )
}
