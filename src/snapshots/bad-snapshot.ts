import { GoldenLogitsError } from '../errors.js'

/** For a golden that was cut short, edited or never one. */
export function badSnapshot(file: string, message: string): GoldenLogitsError {
  const advice = 'restore the golden from version control, or write it anew with the option -u of the test runner'
  return new GoldenLogitsError('bad-snapshot', `${message}; ${advice}`, { file })
}
