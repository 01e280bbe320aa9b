import type { RunnerContext } from '../runner/test.js'

/** What every supported runner returns from a matcher. Never `actual` or `expected`: runners would diff the logits. */
export interface MatcherResult {
  pass: boolean
  message: () => string
}

/** The part of a matcher's `this` that is used, in all runners alike; structural, so that no runner is imported. */
export interface MatcherContext extends RunnerContext {
  readonly promise?: string | undefined
  readonly utils?:
    | { matcherHint?: ((name: string, received?: string, expected?: string, options?: object) => string) | undefined }
    | undefined
}
