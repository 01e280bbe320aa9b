import { invalidArgument } from '../errors.js'

// Stands in for `dumps/load.ts` in the build for browsers.

/** @throws GoldenLogitsError `invalid-argument`: a browser has no files */
export const loadDump: typeof import('../dumps/load.js').loadDump = () => {
  throw invalidArgument(
    'a browser has no files, so no dump can be loaded from a path; fetch the logits and pass logitsOf(…)',
  )
}
