import type { Dump } from '../dumps/types.js'
import { info, type Note, warning } from '../lib/note.js'
import { counted } from '../lib/number-text.js'
import type { Results } from '../measure/results.js'
import { roundedAway } from './rounded-away.js'

/** Rows of fewer ids show the noise of a build, and next to nothing of a fault beyond the most probable ids. */
const FEW = 256

type Side = Pick<Dump, 'kind' | 'isKindGiven'>

/** How much of a fault can be seen where rows list some vocab ids only. */
export function knownNotes(results: Results, golden: Side, dump: Side): Note[] {
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
