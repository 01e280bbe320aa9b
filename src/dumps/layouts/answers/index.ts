import { GoldenLogitsError, printable } from '../../../errors.js'
import { type Answer, isWholeRow, roundingOf, rowsOfAnswers } from '../../../formats/log-prob-json/index.js'
import { listOf } from '../../../lib/lazy-list.js'
import { info, type Note } from '../../../lib/note.js'
import { counted } from '../../../lib/number-text.js'
import type { IdFacts } from '../../token-ids.js'
import type { DumpStep, LoadDumpOptions } from '../../types.js'
import { type FileRun, type NamedScan, refuseOptions } from '../layout.js'

/**
 * The runs in a file of answers: one for each choice of each answer.
 * @throws GoldenLogitsError `invalid-argument` for an option that has no meaning
 */
export function scanAnswers(file: string, answers: readonly Answer[], options: LoadDumpOptions): FileRun[] {
  refuseOptions(options, ['positions', 'sequence', 'ranks', 'layer', 'prefill'], 'the answers of a server')
  const rounding = roundingOf(rowsOfAnswers(answers))
  let start = 0
  return answers.map((answer) => {
    const scan = scanAnswer(file, answer, { start, rounding }, options)
    start += rowsOfAnswers([answer]).length
    return { name: answer.name, scan }
  })
}

/** @param start the number of the answer's first row in the file */
function scanAnswer(
  file: string,
  answer: Answer,
  { start, rounding }: { readonly start: number; readonly rounding: number },
  options: LoadDumpOptions,
): NamedScan {
  const { prompt, output, first } = answer
  const [asked, generated] = [prompt?.rows.length ?? 0, output?.rows.length ?? 0]
  const { from, count, notes } = partOf(file, asked, generated, options.tensor)
  const step = options.firstStep ?? 0
  const rows = rowsOfAnswers([answer]).slice(from, from + count)
  const steps = listOf(count, (index): DumpStep => {
    const listed = { row: rows[index]!, rounding }
    return { step: step + index, files: [file], layer: '', position: start + from + index, listed }
  })
  const [hasPrompt, hasOutput] = [from < asked, from + count > asked]
  const fed = new Map<string, readonly number[]>()
  if (hasPrompt && prompt?.tokens && first !== undefined) fed.set('prompt_input_ids', [first, ...prompt.tokens])
  const tokenIds = new Map(fed)
  if (hasOutput && output?.tokens) tokenIds.set('generated_token_ids', output.tokens)
  // After each position of a prompt its next token was read.
  const next = [...(hasPrompt ? [prompt?.tokens] : []), ...(hasOutput ? [output?.tokens] : [])]
  const chosen = next.every((ids) => ids !== undefined) ? next.flat() : undefined
  const ids: IdFacts = { fed, ...(chosen && { chosen }) }
  const kind = rows.every(isWholeRow) ? 'log-probabilities' : 'known-ids'
  return { layout: 'answers', kind, steps, notes, stepsAssumed: false, tokenIds, ids }
}

/** Which rows of an answer count: the prompt's, the output's, or both. */
function partOf(
  file: string,
  asked: number,
  generated: number,
  tensor: string | undefined,
): { from: number; count: number; notes: Note[] } {
  if (tensor === undefined) {
    const both = `the ${counted(asked, 'position')} of the prompt come first, then the ${counted(generated, 'generated token')}; loadDump's option tensor: 'prompt' or 'output' takes one of them`
    const notes = asked > 0 && generated > 0 ? [info(both)] : []
    return { from: 0, count: asked + generated, notes }
  }
  const parts = { prompt: { from: 0, count: asked }, output: { from: asked, count: generated } }
  const part = Object.hasOwn(parts, tensor) ? parts[tensor as keyof typeof parts] : undefined
  if (!part || part.count === 0) {
    const holds = [...(asked > 0 ? ["'prompt'"] : []), ...(generated > 0 ? ["'output'"] : [])].join(' and ')
    const message = `has no '${printable(tensor, 60)}': an answer of a server holds ${holds}`
    throw new GoldenLogitsError('invalid-argument', message, { file })
  }
  return { ...part, notes: [info(`only the ${tensor} of the answer is compared (option tensor)`)] }
}
