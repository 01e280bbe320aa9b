import { at, isObject, type Json, listAt } from '../json.js'
import {
  type AnswerRow,
  DIGITS,
  type Entry,
  idOf,
  idOfText,
  lowestButOne,
  lowestOf,
  rowOf,
  rowOfIds,
  TEXTS_ONLY,
} from './listed-row.js'

/** The positions of a prompt, or of the tokens that were generated. */
interface AnswerList {
  readonly rows: readonly AnswerRow[]
  /** The tokens of these positions, if the answer holds their ids: row i is the distribution from which token i came. */
  readonly tokens: readonly number[] | undefined
}

/** One choice of one answer. */
export interface Choice {
  /** Its first row is about the second token: nothing precedes the first. */
  readonly prompt?: AnswerList
  /** The first token of the prompt. */
  readonly first?: number
  readonly output?: AnswerList
}

/** A server's way to write log-probabilities. @returns undefined if an answer is of another */
type Dialect = (answer: Json) => Choice[] | undefined

/** The choices of an answer, in whichever of the known ways it was written. */
export function choicesOf(answer: Json): Choice[] | undefined {
  for (const dialect of DIALECTS) {
    const choices = dialect(answer)
    if (!choices?.some(hasRows)) continue
    return choices.map((choice) => (hasRows(choice) ? choice : NO_ANSWER))
  }
  return undefined
}

function hasRows({ prompt, output }: Choice): boolean {
  return prompt !== undefined || output !== undefined
}

/** What stands among answers or choices and has no rows, such as the error of a server: it is not left out. */
export const NO_ANSWER: Choice = {
  output: {
    rows: [{ problem: 'it holds no log-probabilities: did the server answer with an error?' }],
    tokens: undefined,
  },
}

/** vLLM, llama-server and others, for completions and chats. */
function openAi(answer: Json): Choice[] | undefined {
  return listAt(answer, 'choices')?.map((choice) => {
    const promptIds = allIds(listAt(choice, 'prompt_token_ids') ?? listAt(answer, 'prompt_token_ids'))
    const positions = listAt(choice, 'prompt_logprobs') ?? listAt(answer, 'prompt_logprobs')
    const output = outputOf(choice, allIds(listAt(choice, 'token_ids')))
    return { ...(positions && promptOf(positions, promptIds)), ...(output && withEcho(output, promptIds)) }
  })
}

/** Positions of a prompt, the first of which is null. */
function promptOf(positions: Json[], ids: readonly number[] | undefined): Choice {
  return { prompt: { rows: positions.slice(1).map(rowOfIds), tokens: ids?.slice(1) }, first: ids?.[0] }
}

/** With "echo" the prompt comes before the output, as one list that begins with null. */
function withEcho(output: AnswerList & { echoes: boolean }, promptIds: readonly number[] | undefined): Choice {
  const { rows, tokens, echoes } = output
  if (!echoes) return { output: { rows, tokens } }
  return { prompt: { rows: rows.slice(1), tokens: tokens?.slice(1) }, first: promptIds?.[0] ?? tokens?.[0] }
}

function outputOf(choice: Json, ids: readonly number[] | undefined): (AnswerList & { echoes: boolean }) | undefined {
  const packed = at(choice, 'logprobs', 'packed_top_logprobs')
  if (packed !== undefined) return { rows: packedRows(packed), tokens: ids, echoes: false }
  const content = listAt(choice, 'logprobs', 'content')
  if (content) return { ...contentList(content), echoes: false }
  const tops = listAt(choice, 'logprobs', 'top_logprobs')
  if (!tops) return undefined
  const tokens = listAt(choice, 'logprobs', 'tokens') ?? []
  const logs = listAt(choice, 'logprobs', 'token_logprobs') ?? []
  const sampled = ids ?? allIds(tokens.map(idOfText))
  const rows = tops.map((top, i): AnswerRow => {
    if (!isObject(top)) return { problem: 'it lists no vocab id' }
    const entries: Entry[] = Object.entries(top).map(([text, log]) => [idOfText(text), log])
    if (entries.some(([id]) => id === undefined)) return TEXTS_ONLY
    // The list has the token itself, too. What JSON cannot hold of it is cut off.
    const own = idOfText(tokens[i])
    const isListed = own === undefined || Object.hasOwn(top, `token_id:${own}`)
    return rowOf(isListed ? entries : [...entries, [own, logs[i]]], lowestButOne(Object.values(top)))
  })
  return { rows, tokens: sampled, echoes: tops.length > 0 && tops[0] === null }
}

/** Objects with a list of the most probable tokens each. */
function contentList(content: Json[]): AnswerList {
  const tokens = allIds(content.map(idOf))
  const rows = content.map((position): AnswerRow => {
    const top = listAt(position, 'top_logprobs') ?? listAt(position, 'top_probs') ?? listAt(position, 'probs') ?? []
    if (at(position, 'logprob') === undefined || listAt(position, 'top_probs')) return SAMPLED
    const entries = [...top, position].map((entry): Entry => [idOf(entry), at(entry, 'logprob')])
    return entries.some(([id]) => id === undefined)
      ? TEXTS_ONLY
      : rowOf(entries, lowestOf(top.map((entry) => at(entry, 'logprob'))))
  })
  return { rows, tokens }
}

const SAMPLED = {
  problem:
    'it holds probabilities after sampling, in place of log-probabilities; ask with "post_sampling_probs": false (llama-server)',
}

/** `packed_top_logprobs` of vLLM: rows of ids and of float32, each in base64. */
function packedRows(packed: Json): AnswerRow[] {
  const [count, width] = listAt(packed, 'shape') ?? []
  const ids = bytesAt(packed, 'token_ids_b64')
  const logs = bytesAt(packed, 'logprobs_b64')
  const isShape = isCount(count) && isCount(width) && width > 0
  if (!isShape || ids?.length !== 4 * count * width || logs?.length !== ids.length) {
    return [{ problem: 'the shape of packed_top_logprobs is not that of its ids and values' }]
  }
  const [idView, logView] = [ids, logs].map(({ buffer, byteOffset }) => new DataView(buffer, byteOffset)) as [
    DataView,
    DataView,
  ]
  return Array.from({ length: count }, (_, row) => {
    const entries = Array.from({ length: width }, (_, column): Entry => {
      const offset = 4 * (row * width + column)
      return [idView.getInt32(offset, true), logView.getFloat32(offset, true)]
    })
    return rowOf(entries, lowestButOne(entries.map(([, log]) => log)))
  })
}

function isCount(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0
}

function bytesAt(value: Json, key: string): Buffer | undefined {
  const text = at(value, key)
  return typeof text === 'string' ? Buffer.from(text, 'base64') : undefined
}

/** SGLang's `/generate`: lists of `[log-probability, id, text]`. */
function sglang(answer: Json): Choice[] | undefined {
  const meta = at(answer, 'meta_info')
  if (!isObject(meta)) return undefined
  const input = sglangList(meta, 'input')
  const output = sglangList(meta, 'output')
  const [first] = entryOf(listAt(meta, 'input_token_logprobs')?.[0] ?? null)
  const prompt = input && { rows: input.rows.slice(1), tokens: input.tokens?.slice(1) }
  return [{ prompt, first: input && typeof first === 'number' ? first : undefined, output }]
}

function sglangList(meta: Json, side: 'input' | 'output'): AnswerList | undefined {
  const own = listAt(meta, `${side}_token_logprobs`) ?? []
  const top = listAt(meta, `${side}_top_logprobs`)
  const asked = listAt(meta, `${side}_token_ids_logprobs`)
  if ((!top || top.length === 0) && (!asked || asked.length === 0)) return undefined
  const count = Math.max(top?.length ?? 0, asked?.length ?? 0)
  const rows = Array.from({ length: count }, (_, i): AnswerRow => {
    const triples = [top?.[i], asked?.[i]].flatMap((list) => (Array.isArray(list) ? list : []))
    const entries = (own[i] === undefined ? triples : [...triples, own[i]!]).map(entryOf)
    // The first of a prompt has no log-probability.
    const ranked = Array.isArray(top?.[i]) ? (top[i] as Json[]) : []
    return rowOf(i === 0 && side === 'input' ? [] : entries, lowestOf(ranked.map((triple) => entryOf(triple)[1])))
  })
  return { rows, tokens: allIds(own.map((triple) => entryOf(triple)[0])) }
}

function entryOf(triple: Json): Entry {
  return Array.isArray(triple) ? [triple[1], triple[0]] : [undefined, undefined]
}

/** `prompt_logprobs` of vLLM, saved by itself from Python. */
function listOfPositions(answer: Json): Choice[] | undefined {
  if (!Array.isArray(answer) || !answer.some(isPosition)) return undefined
  if (!answer.every((position, i) => (position === null ? i === 0 : isPosition(position) || isEmpty(position))))
    return undefined
  return [
    answer[0] === null ? promptOf(answer, undefined) : { output: { rows: answer.map(rowOfIds), tokens: undefined } },
  ]
}

function isEmpty(value: Json): boolean {
  return isObject(value) && Object.keys(value).length === 0
}

function isPosition(value: Json): boolean {
  return isObject(value) && !isEmpty(value) && Object.keys(value).every((key) => DIGITS.test(key))
}

/** `/completion` of llama-server, and Ollama, which gives no ids. */
function nativeApi(answer: Json): Choice[] | undefined {
  const positions = listAt(answer, 'completion_probabilities') ?? listAt(answer, 'probs') ?? listAt(answer, 'logprobs')
  return positions && [{ output: contentList(positions) }]
}

/** The ids; undefined if one of them is invalid. */
function allIds(values: readonly (Json | undefined)[] = []): readonly number[] | undefined {
  return values.length > 0 && values.every(isCount) ? values : undefined
}

const DIALECTS: readonly Dialect[] = [openAi, sglang, listOfPositions, nativeApi]
