import { atCaller } from '../errors.js'
import { printLine } from '../reporters/summary.js'
import { timeoutLine, uptime } from '../runner/timeout.js'
import type { MatcherContext, MatcherResult } from './types.js'

/** A result, and how many tokens it is about. */
export interface MeasuredResult extends MatcherResult {
  readonly tokens: number
}

/**
 * Runs the body of a matcher. Errors point at the line of the test, and a line on stderr explains a timeout that a long
 * comparison causes.
 * @param matcher the function that the runner calls
 */
export function called(
  context: MatcherContext,
  matcher: (...args: never[]) => unknown,
  body: () => MeasuredResult,
): MatcherResult {
  const started = uptime()
  const { tokens, pass, message } = atCaller(matcher, body)
  const line = timeoutLine(context, uptime() - started, tokens)
  // An assertion that fails is reported in place of the timeout.
  if (line !== undefined && pass !== (context.isNot === true)) printLine(line)
  return { pass, message }
}
