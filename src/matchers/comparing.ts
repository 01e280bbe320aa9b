import { GoldenLogitsError } from '../errors.js'
import { type Recordable, recorded } from '../reporters/recorder.js'
import { called } from './call.js'
import { hint } from './hint.js'
import type { MatcherContext, MatcherResult } from './types.js'

/** What a matcher that compares two sides does. */
interface Comparing<Compared> {
  /** How the first line of a message calls the other side, and the options behind it. */
  readonly expected: string
  readonly shown: () => object
  readonly compare: () => Compared
  /**
   * What `.not` claims: the logits were read, and they differ. A comparison that fails for another reason must not make `.not`
   * pass.
   */
  readonly differs: (comparison: Compared) => boolean
  /** What `.not` needs that a comparison which neither passes nor differs does not give, as the end of an error. */
  readonly lacks: (comparison: Compared) => string
  /** The message below its first line. */
  readonly message: (comparison: Compared) => string
}

interface Result extends Recordable {
  readonly pass: boolean
  readonly counts: { readonly total: number }
  readonly dumpPath: string
}

/**
 * Runs a matcher that compares two sides, and spools its rows for the reporter.
 * @param name of the matcher
 * @throws GoldenLogitsError `nothing-to-compare` for `.not` if the comparison neither passes nor differs
 */
export function comparing<Compared extends Result>(
  context: MatcherContext,
  name: string,
  matcher: (...args: never[]) => unknown,
  { expected, shown, compare, differs, lacks, message }: Comparing<Compared>,
): MatcherResult {
  return called(context, matcher, () => {
    const met = (result: Compared) => (context.isNot ? differs(result) : result.pass)
    const comparison = recorded(context, name, compare, met)
    const { pass, counts, dumpPath } = comparison
    if (context.isNot && !pass && !differs(comparison)) {
      throw new GoldenLogitsError('nothing-to-compare', `.not.${name} ${lacks(comparison)}`, { file: dumpPath })
    }
    const text = () => `${hint(context, name, expected, shown())}\n\n${message(comparison)}`
    return { pass, message: text, tokens: counts.total }
  })
}
