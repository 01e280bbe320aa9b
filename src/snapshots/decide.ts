import type { UpdateMode } from './runner.js'

/** How a golden stands to the dump of a test. */
export type GoldenState =
  /** There is none. */
  | 'missing'
  /** There is one that cannot be used: broken, of a later format, of something else. */
  | 'unusable'
  /** The dump is within the limits. */
  | 'matched'
  /** It is not. */
  | 'unmatched'
  /** The dump is within the limits, but the golden is kept in another fidelity than is asked for. */
  | 'other-fidelity'

/**
 * - `pass`, `fail`: leave the golden alone
 * - `write`: make it, and pass
 * - `rewrite`: put the dump in its place, and pass
 * - `fail-missing`: fail, and leave a candidate outside the golden's folder
 * - `fail-unmatched`: the same, with a golden that the dump does not match
 * - `throw`: report what is wrong with the golden
 */
export type Action = 'pass' | 'fail' | 'write' | 'rewrite' | 'fail-missing' | 'fail-unmatched' | 'throw'

/** The whole policy: goldens are made in `new` and `all`, replaced in `all` only, and CI (`none`) never writes one. */
export function decide(state: GoldenState, mode: UpdateMode): Action {
  switch (state) {
    case 'matched':
      return 'pass'
    case 'missing':
      return mode === 'none' ? 'fail-missing' : 'write'
    case 'unmatched':
      return mode === 'all' ? 'rewrite' : mode === 'none' ? 'fail-unmatched' : 'fail'
    case 'unusable':
    case 'other-fidelity':
      return mode === 'all' ? 'rewrite' : 'throw'
    default:
      return state satisfies never
  }
}
