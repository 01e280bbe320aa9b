import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError, printable } from '../errors.js'

/**
 * Whether both runs were fed the same text, as their dumps show. Then no token follows a divergence.
 * @throws GoldenLogitsError `nothing-to-compare` if they were fed other texts
 */
export function areFedSame(golden: Dump, dump: Dump): boolean {
  const [g, d] = [golden.text, dump.text]
  if (!g || !d) return false
  const other = `(golden ${printable(golden.path, 200)})`
  if (g.chunkLength !== d.chunkLength) {
    const problem = `the golden was read in chunks of ${g.chunkLength} tokens, the dump in chunks of ${d.chunkLength} ${other}`
    throw refused(dump, `${problem}: run both with the same context size (-c)`)
  }
  const shorter = Math.min(g.tokens.length, d.tokens.length)
  let at = 0
  while (at < shorter && g.tokens[at] === d.tokens[at]) at++
  if (at < shorter) {
    const where = `at position ${at} (token ${at % g.chunkLength} of chunk ${Math.floor(at / g.chunkLength)})`
    const problem = `the two runs read different texts: ${where} the golden has vocab id ${g.tokens[at]}, the dump ${d.tokens[at]} ${other}`
    throw refused(dump, `${problem}: run both with the same text (-f) and tokenizer`)
  }
  if (g.tokens.length !== d.tokens.length) {
    const [one, two] = [g, d].map(({ tokens, chunkLength }) => tokens.length / chunkLength)
    throw refused(dump, `the golden holds ${one} chunks, the dump ${two} ${other}: run both with the same --chunks`)
  }
  return true
}

function refused({ path }: Dump, message: string): GoldenLogitsError {
  return new GoldenLogitsError('nothing-to-compare', message, { file: path })
}
