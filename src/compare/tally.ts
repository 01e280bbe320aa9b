import type { List } from '../lib/lazy-list.js'
import { info, type Note, warning } from '../lib/note.js'
import type { CompareSettings } from './options.js'
import { StepRanges } from './step-ranges.js'
import type { Counts, Precision, TokenComparison, Verdict } from './types.js'

/** What all tokens of a comparison say together. */
export interface Tally {
  readonly counts: Counts
  readonly firstFailure: TokenComparison | undefined
  readonly excused: Excused
  /** Tokens that `missing: 'allow'` or `extra: 'allow'` excuses. */
  readonly allowed: number
}

/** @param passes true if a token is known to pass without being made */
export function tally(tokens: List<TokenComparison>, passes: (index: number) => boolean): Tally {
  const verdicts: Record<Verdict, number> = {
    pass: 0,
    'over-threshold': 0,
    undecided: 0,
    'not-identical': 0,
    'not-comparable': 0,
    'shape-mismatch': 0,
    'no-information': 0,
    'non-finite': 0,
    missing: 0,
    extra: 0,
    unreadable: 0,
  }
  let firstFailure: TokenComparison | undefined
  let allowed = 0
  const excused = new Excused()
  for (let i = 0; i < tokens.length; i++) {
    if (passes(i)) {
      verdicts.pass++
      continue
    }
    const token = tokens.at(i)!
    verdicts[countedAs(token)]++
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

function countsOf(verdicts: Record<Verdict, number>, total: number): Counts {
  return {
    total,
    compared: verdicts.pass + verdicts['over-threshold'] + verdicts['not-comparable'],
    passed: verdicts.pass,
    overThreshold: verdicts['over-threshold'],
    notComparable: verdicts['not-comparable'],
    failed: verdicts['shape-mismatch'] + verdicts['non-finite'] + verdicts['no-information'] + verdicts.undecided,
    missing: verdicts.missing,
    extra: verdicts.extra,
    unreadable: verdicts.unreadable,
  }
}

/** The tokens that pass over a reference limit, by the rounding of the precision. */
export class Excused {
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
