import type { Dump } from '../dumps/types.js'
import { info, type Note, warning } from '../lib/note.js'
import { counted } from '../lib/number-text.js'
import type { Results } from '../measure/results.js'
import { isWithin } from './judge.js'
import type { CompareSettings } from './options.js'
import { roundedAway } from './rounded-away.js'
import { RangesByKey } from './step-ranges.js'
import type { Thresholds } from './types.js'

/** One note for the tokens that pass although nothing says what their ranks hold: both readings are within the limits. */
export function rankNotes(results: Results, limits: Thresholds): Note[] {
  const steps = new RangesByKey<number>()
  for (let i = 0; i < results.length; i++) {
    if (results.plainShape(i)) continue
    const pair = results.at(i)!
    const { outcome } = pair
    if (outcome?.kind !== 'compared' || !outcome.separate || outcome.rows.kind !== 'measured') continue
    const { metrics } = outcome.rows
    const { count, worst } = outcome.separate
    if (!isWithin((key) => metrics[key], limits) || !isWithin((key) => worst[key].value, limits)) continue
    steps.add(count, pair)
  }
  return [...steps].map(([count, ranges]) => {
    const ranks = `${count} ranks a side of equal width`
    return info(`${ranges}: ${ranks}: read as parts of one vocabulary and as separate rows; both are within the limits`)
  })
}

/** Rows of fewer ids show the noise of a build, and next to nothing of a fault beyond the most probable ids. */
const FEW = 256

/** How much of a fault can be seen where rows list some vocab ids only. */
export function knownNotes(results: Results, golden: Dump, dump: Dump): Note[] {
  if (golden.kind !== 'known-ids' && dump.kind !== 'known-ids') return []
  let [tokens, fewest, most] = [0, Number.POSITIVE_INFINITY, 0]
  for (let i = 0; i < results.length; i++) {
    const outcome = results.at(i)?.outcome
    if (outcome?.kind !== 'bounded' || !outcome.rows.known) continue
    tokens++
    fewest = Math.min(fewest, outcome.rows.known.ids)
    most = Math.max(most, outcome.rows.known.rest)
  }
  if (tokens === 0) return []
  const ids = `of ${counted(tokens, 'token')} only some vocab ids are known on both sides: at least ${fewest}, beside which the golden has a probability of up to ${roundedAway(most, 1)}`
  const text = `${ids}; a fault in the other ids, such as a wrong shard of the vocabulary, is hardly seen`
  const isGiven = [golden, dump].every(({ kind, isKindGiven }) => kind !== 'known-ids' || isKindGiven)
  return [fewest < FEW && !isGiven ? warning(text, "set loadDump's option kind: 'known-ids'") : info(text)]
}

/** Only toy models and models of single bytes have fewer vocab ids. */
const SMALL_VOCABULARY = 1000
/** The rows of a transposed tensor are as many as the vocabulary has ids: no vocabulary has fewer. */
const MANY_ROWS = 256

/**
 * A note that a tensor may be transposed: it has few columns and more rows. Its rows would be positions of one vocab id, and
 * their softmax means nothing. It is judged by the first pair: a transposed tensor holds a whole run, or a whole prompt.
 */
export function transposedNotes(results: Results, { vocabSize }: Pick<CompareSettings, 'vocabSize'>): Note[] {
  if (vocabSize !== undefined || results.length === 0) return []
  const { outcome } = results.at(0)!
  for (const side of ['golden', 'dump'] as const) {
    const shape = outcome?.[side].fileShape ?? []
    const columns = shape.at(-1) ?? 0
    const rows = shape.slice(0, -1).reduce((product, size) => product * size, 1)
    if (rows < MANY_ROWS || rows <= columns || columns >= SMALL_VOCABULARY) continue
    const text = `the ${side}'s tensor [${shape.join(', ')}] has more rows than columns: it may be transposed, and a row must be a vocabulary, [positions, vocabulary]`
    return [warning(text, `set vocabSize: ${columns}`)]
  }
  return []
}
