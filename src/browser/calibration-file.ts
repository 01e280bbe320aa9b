import { invalidArgument } from '../errors.js'

// Stands in for `compare/calibration/file.ts` in the build for browsers.

/** @throws GoldenLogitsError `invalid-argument`: a browser has no files */
export const readCalibration: typeof import('../compare/calibration/file.js').readCalibration = () => {
  throw invalidArgument('a browser has no files: import the calibration as JSON, and pass the object')
}
