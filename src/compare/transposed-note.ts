import { type Note, warning } from '../lib/note.js'
import type { Results } from '../measure/results.js'
import type { CompareSettings } from './options.js'

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
