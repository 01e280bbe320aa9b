import type { Json } from '../json.js'
import { type Choice, choicesOf, NO_ANSWER } from './dialects.js'
import type { AnswerRow } from './listed-row.js'

export { type AnswerRow, isWholeRow, type ListedRow, roundingOf } from './listed-row.js'

/** One answer of a server, and one of its choices. */
export interface Answer extends Choice {
  /** `0`, or `0.1` if answers have several choices: the number of the answer, and that of the choice. */
  readonly name: string
}

/**
 * The log-probabilities in answers of vLLM, SGLang, llama-server and servers with their interfaces. Dialects:
 * https://docs.vllm.ai (OpenAI-compatible server), SGLang `/generate`, llama.cpp `tools/server/README.md`.
 * @param values of a file: an answer each
 * @returns undefined if they hold none
 */
export function answersIn(values: readonly Json[]): readonly Answer[] | undefined {
  const found = values.map(choicesOf)
  if (found.every((choices) => choices === undefined)) return undefined
  const isPlain = found.every((choices) => (choices?.length ?? 0) <= 1)
  return found.flatMap((choices, i) =>
    (choices ?? [NO_ANSWER]).map((choice, k) => ({ name: isPlain ? String(i) : `${i}.${k}`, ...choice })),
  )
}

/** The rows of all answers, one after the other: the rows of a prompt before the rows of its output. */
export function rowsOfAnswers(answers: readonly Answer[]): readonly AnswerRow[] {
  return answers.flatMap(({ prompt, output }) => [...(prompt?.rows ?? []), ...(output?.rows ?? [])])
}
