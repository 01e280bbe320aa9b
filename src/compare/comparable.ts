import { invalidArgument } from '../errors.js'
import { type List, listOf } from '../lib/lazy-list.js'
import { info, type Note, warning } from '../lib/note.js'
import type { Results } from '../measure/results.js'
import { type Divergence, type FlipPlace, firstFlip, isFlip, isNearTie } from './divergence.js'
import type { CompareSettings } from './options.js'
import type { TokenComparison, TokenIds } from './types.js'

/** The last token for which both runs read the same text, as far as the data or the options show. */
interface PrefixEnd extends Divergence {
  /** Why later tokens are not comparable, as the end of "… since". */
  readonly since: string
  /** What the caller sets if it is right, and if it is not. */
  readonly advice: string
  /** The option that confirms it is set. */
  readonly isConfirmed: boolean
  /** Passing tokens are affected too. With `afterDivergence: 'ignore'` only failing ones are. */
  readonly isForAll: boolean
}

const greedyAdvice = (runs: 'both' | 'all') =>
  `set decoding: 'greedy'; if ${runs} runs read the same tokens, set decoding: 'forced'`

const FORCE = "feed both runs the same tokens and set decoding: 'forced'"

/**
 * Where the runs begin to read different texts. Undefined if nothing shows that they do: then every token is judged.
 * @param tokens judged one by one
 */
function prefixEnd(
  tokens: List<TokenComparison>,
  results: Results,
  { afterDivergence, decoding, tokenIds: ids }: CompareSettings,
): PrefixEnd | undefined {
  if (afterDivergence === 'gate' || decoding === 'forced') return undefined
  if (afterDivergence === 'ignore') {
    const flip = firstFlip(placesOf(tokens, results))
    if (!flip) return undefined
    const { step } = flip
    const since = `top-1 differs at token ${step}`
    return { ...flip, since, advice: `set steps: { to: ${step} }`, isConfirmed: false, isForAll: false }
  }
  if (ids) {
    const end = endOfSameIds(tokens, ids)
    if (!end) return undefined
    const since = `the two runs chose different vocab ids at token ${end.step}`
    return { ...end, since, advice: FORCE, isConfirmed: true, isForAll: true }
  }
  if (decoding === 'sampled') {
    const index = tokens.at(0)!.step === 0 ? 0 : -1
    const since = 'logits do not show which vocab ids a sampled run chose'
    const advice = `name them in the option tokenIds, or ${FORCE}`
    return { index, step: index, since, advice, isConfirmed: true, isForAll: true }
  }
  const flip = firstFlip(placesOf(tokens, results))
  if (!flip) return undefined
  const token = tokens.at(flip.index)!
  // With limits by hand, a flip within them is accepted, and decides what is read next as a near-tie does.
  if (!isNearTie(token) && !token.pass) return undefined
  const kind = isNearTie(token) ? 'top-1 is a near-tie' : 'top-1 differs within the limits'
  return {
    ...flip,
    since: `${kind} at token ${flip.step}, where greedy runs go on with different texts`,
    advice: greedyAdvice('both'),
    isConfirmed: decoding === 'greedy',
    isForAll: true,
  }
}

/** The same, or where the baseline began to read another text than the golden, if that is earlier. */
export function earlierEnd(
  tokens: List<TokenComparison>,
  results: Results,
  settings: CompareSettings,
): PrefixEnd | undefined {
  const own = prefixEnd(tokens, results, settings)
  const last = settings.measuredBaseline?.lastStep
  if (last === undefined || (own?.isForAll && own.step <= last)) return own
  let index = results.length - 1
  while (index >= 0 && results.stepAt(index) > last) index--
  const since = `the top-1 of the baseline differs from the golden's at token ${last}, where greedy runs go on with different texts`
  const isConfirmed = settings.decoding === 'greedy'
  return { index, step: last, since, advice: greedyAdvice('all'), isConfirmed, isForAll: true }
}

/** The tokens as far as the first divergence depends on them. A record without a flip is not made into a token to see that. */
function* placesOf(tokens: List<TokenComparison>, results: Results): Iterable<FlipPlace> {
  for (let index = 0; index < tokens.length; index++) {
    const { step, position } = results.pairAt(index)
    const flips = results.plainShape(index) ? results.hasFlip(index) : isFlip(tokens.at(index)!)
    yield { step, position, isFlip: flips }
  }
}

function endOfSameIds(tokens: List<TokenComparison>, { golden, dump, mayEndEarly }: TokenIds): Divergence | undefined {
  const last = tokens.at(tokens.length - 1)!.step
  const known = Math.min(golden.length, dump.length)
  if (known < last && !mayEndEarly) {
    const side = golden.length < dump.length ? 'golden' : 'dump'
    const message = `tokenIds has ${known} vocab ids of the ${side}, but the last token to compare is ${last}: give one id for each step from 0 to ${last - 1}`
    throw invalidArgument(message)
  }
  for (let step = 0; step < Math.min(last, known); step++) {
    if (golden[step] === dump[step]) continue
    let index = tokens.length - 1
    while (index >= 0 && tokens.at(index)!.step > step) index--
    return { index, step }
  }
  return undefined
}

/** The tokens behind the end of the common prefix are neither passed nor failed. */
export function setAside(end: PrefixEnd, tokens: List<TokenComparison>): List<TokenComparison> {
  return listOf(tokens.length, (i) => {
    const token = tokens.at(i)!
    if (!isSetAside(token, i, end)) return token
    const reason = [token.reason, `not gated, since ${end.since}`].filter(Boolean).join('; ')
    return { ...token, verdict: 'not-comparable', pass: true, reason }
  })
}

/** Positions of one step were fed together: none of them follows from the top-1 of another. */
function isBehind(end: PrefixEnd, index: number, { step }: TokenComparison): boolean {
  return index > end.index && step !== end.step
}

/** The tokens for which both runs had read the same text: statistics of a run are about these. */
export function* comparableTokens(
  tokens: List<TokenComparison>,
  end: PrefixEnd | undefined,
): Iterable<TokenComparison> {
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens.at(i)!
    if (end === undefined || !isBehind(end, i, token)) yield token
  }
}

function isSetAside(token: TokenComparison, index: number, end: PrefixEnd): boolean {
  if (!isBehind(end, index, token)) return false
  const { verdict } = token
  if (verdict === 'pass') return end.isForAll
  return verdict === 'over-threshold' || verdict === 'undecided' || verdict === 'missing' || verdict === 'extra'
}

/** How many tokens were set aside; no note if none was. */
export function setAsideNotes(end: PrefixEnd, tokens: List<TokenComparison>): Note[] {
  let count = 0
  for (let i = end.index + 1; i < tokens.length; i++) if (isSetAside(tokens.at(i)!, i, end)) count++
  if (count === 0) return []
  if (!end.isForAll) {
    const failing = count === 1 ? '1 failing token is' : `${count} failing tokens are`
    return [warning(`${end.since}: ${failing} excused after it (afterDivergence: 'ignore')`, end.advice)]
  }
  const others = count === 1 ? '1 later token is' : `${count} later tokens are`
  const text = `${end.since}: ${others} not comparable, ${tokens.length - count} of ${tokens.length} are judged`
  return [end.isConfirmed ? info(text) : warning(text, end.advice)]
}

/** Fewer comparable tokens than these prove nothing, unless the option says otherwise. */
const LEAST_COMPARABLE = 4

/**
 * Why too few tokens were comparable to release on, with what to do; undefined if there were enough.
 * @param comparable tokens that passed or failed
 * @param total tokens of the comparison without those that `missing` and `extra` allow
 */
export function inconclusiveReason(
  comparable: number,
  total: number,
  { minComparable, afterDivergence }: CompareSettings,
  end: PrefixEnd | undefined,
): string | undefined {
  // With afterDivergence: 'ignore' the caller accepts that few tokens are left.
  const least = minComparable ?? (afterDivergence === 'ignore' ? 1 : Math.min(LEAST_COMPARABLE, total))
  if (comparable >= least || total === 0) return undefined
  const verb = comparable === 1 ? 'is' : 'are'
  const why = end ? `, since ${end.since}` : ''
  const advice = end ? `${FORCE}, or compare longer runs` : 'compare longer runs'
  return `${comparable} of ${total} tokens ${verb} comparable${why}, and at least ${least} must be (option minComparable): ${advice}`
}
