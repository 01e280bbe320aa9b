import { GoldenLogitsError } from '../../errors.js'
import { type Budgets, withinBudget } from '../../io/budgets.js'
import { type ByteSource, readBytes } from '../../io/byte-source.js'
import { type Choice, choicesOf } from './dialects.js'
import type { AnswerRow } from './listed-row.js'
import { type Json, parseAnswers } from './parse.js'

export type { AnswerList, Choice } from './dialects.js'
export { type AnswerRow, isWholeRow, type ListedRow } from './listed-row.js'

/** One answer of a server, and one of its choices. */
export interface Answer extends Choice {
  /** `0`, or `0.1` if answers have several choices: the number of the answer, and that of the choice. */
  readonly name: string
}

/** Whether a file may be JSON, by its first bytes. */
export function startsJson(source: ByteSource): boolean {
  const head = Buffer.from(readBytes(source, 0, Math.min(64, source.size))).toString('latin1')
  return /^(?:\u00ef\u00bb\u00bf)?\s*[[{]/.test(head)
}

/**
 * Reads the log-probabilities in answers of vLLM, SGLang, llama-server and servers with their interfaces: a JSON value, an array of
 * answers, or one on each line. Dialects: https://docs.vllm.ai (OpenAI-compatible server), SGLang `/generate`, llama.cpp
 * `tools/server/README.md`.
 * @returns undefined if the file holds none
 * @throws GoldenLogitsError `limit-exceeded`, `unsupported-format` for an answer that was cut
 */
export function readAnswers(source: ByteSource, budgets: Budgets): readonly Answer[] | undefined {
  const { file, size } = source
  withinBudget(budgets, 'jsonBytes', size, 'bytes of a JSON file', { file })
  const text = Buffer.from(readBytes(source, 0, size))
    .toString('utf8')
    .replace(/^\ufeff/, '')
  const answers = parse(text, file)
  if (!answers) return undefined
  const found = answers.map(choicesOf)
  if (found.every((choices) => choices === undefined)) return undefined
  const isPlain = found.every((choices) => (choices?.length ?? 0) <= 1)
  return found.flatMap((choices, i) =>
    (choices ?? []).map((choice, k) => ({ name: isPlain ? String(i) : `${i}.${k}`, ...choice })),
  )
}

/** @returns undefined for a text that is neither JSON nor looks like an answer */
function parse(text: string, file: string): Json[] | undefined {
  try {
    return parseAnswers(text)
  } catch (error) {
    if (!/logprob|completion_probabilities/.test(text)) return undefined
    const message = `is no JSON: ${(error as Error).message.slice(0, 120)}; save the whole answer of the server`
    throw new GoldenLogitsError('unsupported-format', message, { file, cause: error })
  }
}

/** The rows of all answers, one after the other: the rows of a prompt before the rows of its output. */
export function rowsOfAnswers(answers: readonly Answer[]): readonly AnswerRow[] {
  return answers.flatMap(({ prompt, output }) => [...(prompt?.rows ?? []), ...(output?.rows ?? [])])
}
