import { basename } from 'node:path'
import { GoldenLogitsError, printable } from '../errors.js'
import { goldenPrompts } from '../formats/golden-jsonl.js'
import { type Json, readJson, startsJson } from '../formats/json.js'
import { answersIn } from '../formats/log-prob-json/index.js'
import { resolveBudgets } from '../io/budgets.js'
import { openFile } from '../io/file-source.js'
import { kindOf } from '../io/folder.js'
import { counted } from '../lib/number-text.js'
import { type AnswersScan, scanAnswers } from './layouts/answers/index.js'
import { type MaxTextScan, scanMaxText } from './layouts/maxtext/index.js'
import type { Dump, LoadDumpOptions } from './types.js'

/** One of the runs in a file: an answer of a server, or a prompt with golden logits. */
export interface FileRun {
  /** Its number in the file. */
  readonly name: string
  readonly scan: AnswersScan | MaxTextScan
}

/** Names of a file that may hold JSON. */
const NAME = /\.jsonl?$|^[^.]*$/i

/**
 * The runs in a file of JSON. Reads and parses it.
 * @returns undefined for any other path, and for JSON without logits or log-probabilities
 * @throws GoldenLogitsError what `readJson`, `goldenPrompts` and the scans of these layouts throw
 */
export function fileRuns(paths: readonly string[], options: LoadDumpOptions): readonly FileRun[] | undefined {
  const [file, ...others] = paths
  if (file === undefined || others.length > 0 || kindOf(file) !== 'file') return undefined
  const values = jsonIn(file, options)
  if (!values) return undefined
  const prompts = goldenPrompts(values, file, options.tensor)
  if (prompts) return scanMaxText(file, prompts, options)
  const answers = answersIn(values)
  return answers && scanAnswers(file, answers, options)
}

function jsonIn(file: string, options: LoadDumpOptions): readonly Json[] | undefined {
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
    return startsJson(source) ? readJson(source, budgets) : undefined
  } finally {
    source.close()
  }
}

/** The one of several runs that the option `run` names. @throws GoldenLogitsError `ambiguous-run`, `invalid-argument` */
export function pickFileRun(file: string, runs: readonly FileRun[], run: string | undefined): FileRun['scan'] {
  const found = run === undefined ? runs : runs.filter(({ name }) => name === run)
  if (found.length === 1) return found[0]!.scan
  const names = runs.slice(0, 5).map(({ name }) => name)
  const more = runs.length > names.length ? ` and ${runs.length - names.length} more` : ''
  const advice =
    run === undefined
      ? `choose one with the option run: '${names[0]}', or compare all with run: 'all'`
      : `the option run: '${printable(run, 60)}' names none of them`
  const noun = runs[0]?.scan.layout === 'maxtext' ? 'prompt' : 'answer'
  const message = `holds ${counted(runs.length, noun)}: ${names.join(', ')}${more}; ${advice}`
  throw new GoldenLogitsError(run === undefined ? 'ambiguous-run' : 'invalid-argument', message, { file })
}

export function dumpOfFileRun(path: string, scan: FileRun['scan'], { budgets = {} }: LoadDumpOptions): Dump {
  return { path, named: 'file', ignored: [], budgets, ...scan }
}
