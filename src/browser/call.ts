import { atCaller } from '../errors.js'

// Stands in for `matchers/call.ts` in the build for browsers: nothing explains a timeout.

/** Runs the body of a matcher. Errors point at the line of the test. */
export const called: typeof import('../matchers/call.js').called = (_context, matcher, body) => {
  const { pass, message } = atCaller(matcher, body)
  return { pass, message }
}
