import { basename } from 'node:path'
import { GoldenLogitsError, invalidArgument, printable } from '../../../errors.js'
import { type Answer, isWholeRow, readAnswers, startsJson } from '../../../formats/log-prob-json/index.js'
import { resolveBudgets } from '../../../io/budgets.js'
import { openFile } from '../../../io/file-source.js'
import { listOf } from '../../../lib/lazy-list.js'
import { info, type Note } from '../../../lib/note.js'
import { counted } from '../../../lib/number-text.js'
import type { IdFacts, IdLists } from '../../token-ids.js'
import type { DumpStep, LoadDumpOptions } from '../../types.js'
import type { LayoutScan } from '../layout.js'

/** A run in one answer of a server. */
export interface AnswersScan extends LayoutScan {
  readonly layout: 'answers'
  readonly kind: 'log-probabilities' | 'known-ids'
  readonly tokenIds: IdLists
  readonly ids: IdFacts
}

/** Options that choose what an answer does not leave open. */
const POINTLESS = ['positions', 'sequence', 'ranks', 'layer', 'prefill'] as const

/** Names of a file that may hold answers. */
const NAME = /\.jsonl?$|^[^.]*$/i

/**
 * The runs in a file of answers: one for each choice of each answer. Reads and parses the file.
 * @returns undefined if the file is not JSON, or holds no log-probabilities
 * @throws GoldenLogitsError what `readAnswers` throws; `invalid-argument` for an option that has no meaning, `ambiguous-run`
 */
export function scanAnswers(
  file: string,
  options: LoadDumpOptions,
): { readonly name: string; readonly scan: AnswersScan }[] | undefined {
  const answers = answersIn(file, options)
  if (!answers) return undefined
  const name = POINTLESS.find((option) => options[option] !== undefined)
  if (name !== undefined) {
    throw invalidArgument(`the option ${name} has no meaning for the answers of a server; leave it out`)
  }
  let start = 0
  return answers.map((answer) => {
    const scan = scanAnswer(file, answer, start, options)
    start += rowCount(answer)
    return { name: answer.name, scan }
  })
}

/** The one of several runs that the option `run` names. */
export function pickAnswer(
  file: string,
  runs: readonly { readonly name: string; readonly scan: AnswersScan }[],
  run: string | undefined,
): AnswersScan {
  const found = run === undefined ? runs : runs.filter(({ name }) => name === run)
  if (found.length === 1) return found[0]!.scan
  const names = runs.slice(0, 5).map(({ name }) => name)
  const more = runs.length > names.length ? ` and ${runs.length - names.length} more` : ''
  const advice =
    run === undefined
      ? `choose one with the option run: '${names[0]}', or compare all with run: 'all'`
      : `the option run: '${printable(run, 60)}' names none of them`
  const message = `holds ${counted(runs.length, 'answer')}: ${names.join(', ')}${more}; ${advice}`
  throw new GoldenLogitsError(run === undefined ? 'ambiguous-run' : 'invalid-argument', message, { file })
}

function answersIn(file: string, options: LoadDumpOptions): readonly Answer[] | undefined {
  if (!NAME.test(basename(file))) return undefined
  const budgets = resolveBudgets(options.budgets)
  let source: ReturnType<typeof openFile>
  try {
    source = openFile(file, budgets)
  } catch (error) {
    // A file that cannot be opened may be any other dump, which says what is wrong with it.
    if (error instanceof GoldenLogitsError) return undefined
    throw error
  }
  try {
    return startsJson(source) ? readAnswers(source, budgets) : undefined
  } finally {
    source.close()
  }
}

function rowCount({ prompt, output }: Answer): number {
  return (prompt?.rows.length ?? 0) + (output?.rows.length ?? 0)
}

/** @param start the number of the answer's first row in the file */
function scanAnswer(file: string, answer: Answer, start: number, options: LoadDumpOptions): AnswersScan {
  const { prompt, output, first } = answer
  const [asked, generated] = [prompt?.rows.length ?? 0, output?.rows.length ?? 0]
  const { from, count, notes } = partOf(file, asked, generated, options.tensor)
  const step = options.firstStep ?? 0
  const steps = listOf(count, (index): DumpStep => {
    return { step: step + index, files: [file], layer: '', position: start + from + index }
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
  const rows = [...(hasPrompt ? prompt!.rows : []), ...(hasOutput ? output!.rows : [])]
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
