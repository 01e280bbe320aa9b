import { basename } from 'node:path'
import { goldenPrompts } from '../formats/golden-jsonl.js'
import { type Json, readJson, startsJson } from '../formats/json.js'
import { answersIn } from '../formats/log-prob-json/index.js'
import { resolveBudgets } from '../io/budgets.js'
import { openFile } from '../io/file-source.js'
import { kindOf } from '../io/folder.js'
import { counted } from '../lib/number-text.js'
import { tryRead } from '../lib/try-read.js'
import { scanAnswers } from './layouts/answers/index.js'
import { type FileRun, type NamedScan, OR_ALL, pickNamed } from './layouts/layout.js'
import { scanMaxText } from './layouts/maxtext/index.js'
import type { Dump, LoadDumpOptions } from './types.js'

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
  // A file that cannot be opened may be any other dump, which says what is wrong with it.
  const source = tryRead(() => openFile(file, budgets))
  if (!source) return undefined
  try {
    return startsJson(source) ? readJson(source, budgets) : undefined
  } finally {
    source.close()
  }
}

/** The one of several runs that the option `run` names. @throws GoldenLogitsError `ambiguous-run`, `invalid-argument` */
export function pickFileRun(path: string, runs: readonly FileRun[], options: LoadDumpOptions): NamedScan {
  const noun = runs[0]?.scan.layout === 'maxtext' ? 'prompt' : 'answer'
  return pickNamed(runs, ({ name }) => [name], `holds ${counted(runs.length, noun)}`, { path, options }, OR_ALL).scan
}

export function dumpOfFileRun(path: string, scan: NamedScan, { budgets = {} }: LoadDumpOptions): Dump {
  return { path, named: 'file', ignored: [], budgets, ...scan }
}
