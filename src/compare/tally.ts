import type { List } from '../lib/lazy-list.js'
import { info, type Note, warning } from '../lib/note.js'
import type { CompareSettings } from './options.js'
import { StepRanges } from './step-ranges.js'
import type { Counts, Precision, TokenComparison, Verdict } from './types.js'

/** What all tokens of a comparison say together. */
interface Tally {
  readonly counts: Counts
  readonly firstFailure: TokenComparison | undefined
  readonly excused: Excused
  /** Tokens that `missing: 'allow'` or `extra: 'allow'` excuses. */
  readonly allowed: number
}

/** @param passes true if a token is known to pass without being made */
export function tally(tokens: List<TokenComparison>, passes: (index: number) => boolean): Tally {
  const verdicts: Verdicts = { pass: 0 }
  let firstFailure: TokenComparison | undefined
  let allowed = 0
  const excused = new Excused()
  for (let i = 0; i < tokens.length; i++) {
    if (passes(i)) {
      verdicts.pass++
      continue
    }
    const token = tokens.at(i)!
    const verdict = countedAs(token)
    verdicts[verdict] = (verdicts[verdict] ?? 0) + 1
    if (!token.pass) firstFailure ??= token
    else if (token.verdict === 'missing' || token.verdict === 'extra') allowed++
    if (token.isExcused && token.verdict === 'pass') excused.add(token)
  }
  return { counts: countsOf(verdicts, tokens.length), firstFailure, excused, allowed }
}

/** A token behind the end of the common prefix that a side lacks is missing or extra, too. */
function countedAs({ verdict, golden, dump }: TokenComparison): Verdict {
  if (verdict !== 'not-comparable' || (golden && dump)) return verdict
  return golden ? 'missing' : 'extra'
}

/** How many tokens have each verdict. */
type Verdicts = Partial<Record<Verdict, number>> & { pass: number }

function countsOf(verdicts: Verdicts, total: number): Counts {
  const sum = (...some: Verdict[]) => some.reduce((count, verdict) => count + (verdicts[verdict] ?? 0), 0)
  return {
    total,
    compared: sum('pass', 'over-threshold', 'not-comparable'),
    passed: verdicts.pass,
    overThreshold: sum('over-threshold'),
    notComparable: sum('not-comparable'),
    failed: sum('shape-mismatch', 'non-finite', 'no-information', 'undecided'),
    missing: sum('missing'),
    extra: sum('extra'),
    unreadable: sum('unreadable'),
  }
}

/** The tokens that pass over a reference limit, by the rounding of the precision. */
class Excused {
  private readonly steps = new StepRanges()
  private worst: TokenComparison | undefined

  add(token: TokenComparison): void {
    this.steps.add(token.step, token.position)
    if (highestKl(token) > (this.worst ? highestKl(this.worst) : -1)) this.worst = token
  }

  notes(precision: Precision, { rounding, rule }: CompareSettings): Note[] {
    if (!this.worst) return []
    const many = this.steps.length > 1
    const why =
      rule === undefined
        ? `a reference limit, within the rounding of ${precision}`
        : `a limit, excused by the rule of ${rule}`
    const text = `${this.steps} ${many ? 'are' : 'is'} over ${why}${many ? `; the highest KL divergence at token ${this.worst.step}` : ''}: ${this.worst.reason}`
    return [rounding === 'aware' || rule !== undefined ? info(text) : warning(text, "set rounding: 'aware'")]
  }
}

/** The KL divergence, or the most that it may be. */
function highestKl({ metrics, bounds }: TokenComparison): number {
  return metrics?.klDivergence ?? bounds!.klDivergence.hi
}
