import type { IdLists } from '../dumps/token-ids.js'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError, printable } from '../errors.js'
import type { CompareSettings } from './options.js'
import type { Decoding, TokenIds } from './types.js'

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
  const at = firstDifference(g.tokens, d.tokens)
  if (at >= 0 && at < Math.min(g.tokens.length, d.tokens.length)) {
    const where = `at position ${at} (token ${at % g.chunkLength} of chunk ${Math.floor(at / g.chunkLength)})`
    const problem = `the two runs read different texts: ${where} the golden has vocab id ${g.tokens[at]}, the dump ${d.tokens[at]} ${other}`
    throw refused(dump, `${problem}: run both with the same text (-f) and tokenizer`)
  }
  if (at >= 0) {
    const [one, two] = [g, d].map(({ tokens, chunkLength }) => tokens.length / chunkLength)
    throw refused(dump, `the golden holds ${one} chunks, the dump ${two} ${other}: run both with the same --chunks`)
  }
  return true
}

function refused({ path }: Dump, message: string): GoldenLogitsError {
  return new GoldenLogitsError('nothing-to-compare', message, { file: path })
}

/**
 * Two runs that read other prompts, or were forced through other texts, cannot be compared, if ids with the logits show it.
 * @returns whether ids of both sides were compared
 * @throws GoldenLogitsError `nothing-to-compare`
 */
export function assertSameIds(golden: Dump, dump: Dump, decoding: Decoding | undefined): boolean {
  const isForced = decoding === 'forced'
  const ids = (side: Dump): IdLists => {
    const lists = isForced && side.ids?.meaning !== 'positions' ? side.tokenIds : side.ids?.fed
    return lists ?? new Map()
  }
  const lists = sameLists(ids(golden), ids(dump))
  for (const [name, of] of lists) {
    const position = firstDifference(of.golden, of.dump)
    if (position < 0) continue
    const [g, d] = [of.golden, of.dump].map((side) => side[position] ?? 'nothing')
    const message = `the two sides read different tokens: at position ${position} of ${printable(name, 40)} the golden (${printable(golden.path, 200)}) has ${g} and the dump ${d}; dump both with the same text${isForced ? '' : chosenAdvice(golden, name)}`
    throw refused(dump, message)
  }
  return lists.length > 0
}

/** Ids that need not be a prompt may be what each run chose. */
function chosenAdvice({ ids }: Dump, name: string): string {
  if (ids?.meaning !== 'positions' || /prompt|input/i.test(name)) return ''
  return ", or, if each run chose these tokens itself, load both with the option positions: 'steps'"
}

/** The lists of both sides that have the same name, or are the only one of their side. */
function sameLists(golden: IdLists, dump: IdLists): [name: string, ids: TokenIds][] {
  const isOnly = golden.size === 1 && dump.size === 1
  return [...golden].flatMap(([name, ids]): [string, TokenIds][] => {
    const others = isOnly ? [...dump.values()][0] : dump.get(name)
    return others ? [[name, { golden: ids, dump: others }]] : []
  })
}

/** Negative if there is none. */
function firstDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const longer = Math.max(a.length, b.length)
  for (let i = 0; i < longer; i++) if (a[i] !== b[i]) return i
  return -1
}

/**
 * The vocab ids that each run chose, as the ids with its logits show them.
 * @returns undefined if one side has none
 * @throws GoldenLogitsError `nothing-to-compare` if the two sides have other ids, and nothing shows after which rows they were
 * chosen
 */
export function idsFound(golden: Dump, dump: Dump, settings: CompareSettings): TokenIds | undefined {
  if (golden.ids?.chosen && dump.ids?.chosen) {
    return { golden: byStep(golden, golden.ids.chosen), dump: byStep(dump, dump.ids.chosen), mayEndEarly: true }
  }
  const isAsked = settings.decoding === undefined && settings.afterDivergence === 'auto'
  if (!isAsked || golden.steps.length < 2 || dump.steps.length < 2) return undefined
  for (const [name, of] of sameLists(golden.tokenIds ?? new Map(), dump.tokenIds ?? new Map())) {
    const position = firstDifference(of.golden, of.dump)
    if (position < 0) continue
    const message = `the two sides have different token ids from position ${position} of ${printable(name, 40)} on, and ${of.golden.length} ids do not show after which of ${golden.steps.length} rows each was chosen: give the ids by step in the option tokenIds, or set the option decoding`
    throw refused(dump, message)
  }
  return undefined
}

/** @param chosen from the first step of the dump on; before it the texts do not differ, as far as the ids show */
function byStep({ steps }: Dump, chosen: readonly number[]): number[] {
  return [...new Array<number>(steps.at(0)!.step).fill(-1), ...chosen]
}
