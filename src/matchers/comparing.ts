import type { GoldenLogitsError } from '../errors.js'
import { type Recordable, recorded } from '../reporters/recorder.js'
import { called } from './call.js'
import type { MatcherContext, MatcherResult } from './types.js'

type Matcher = (...args: never[]) => unknown

/** What a matcher that compares two sides does. */
interface Comparing<Compared> {
  readonly compare: () => Compared
  /**
   * What `.not` claims: the logits were read, and they differ. A comparison that fails for another reason must not make `.not`
   * pass.
   */
  readonly differs: (comparison: Compared) => boolean
  /** The error of `.not` for a comparison that neither passes nor differs. */
  readonly refuseNot: (comparison: Compared) => GoldenLogitsError
  readonly message: (comparison: Compared) => string
}

/** Runs a matcher that compares two sides, and spools its rows for the reporter. @param name of the matcher */
export function comparing<Compared extends Recordable & { readonly pass: boolean; counts: { total: number } }>(
  context: MatcherContext,
  name: string,
  matcher: Matcher,
  { compare, differs, refuseNot, message }: Comparing<Compared>,
): MatcherResult {
  return called(context, matcher, () => {
    const met = (result: Compared) => (context.isNot ? differs(result) : result.pass)
    const comparison = recorded(context, name, compare, met)
    const { pass, counts } = comparison
    if (context.isNot && !pass && !differs(comparison)) throw refuseNot(comparison)
    return { pass, message: () => message(comparison), tokens: counts.total }
  })
}
