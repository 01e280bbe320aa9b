import { resolve } from 'node:path'
import type { Command } from 'commander'
import { requireSteps } from '../compare/align.js'
import { failsByWarnings } from '../compare/notes.js'
import { checkOptions } from '../compare/options.js'
import type { ListedComparison } from '../compare/types.js'
import { asDump } from '../dumps/as-dump.js'
import { loadDump } from '../dumps/load.js'
import type { Dump } from '../dumps/types.js'
import { GoldenLogitsError, printable } from '../errors.js'
import { kindOf } from '../io/folder.js'
import { startedFrom } from '../lib/file-path.js'
import { comparisonReport, reportDocument } from '../report/document.js'
import { failureText } from '../report/message/failure.js'
import { passText } from '../report/message/pass.js'
import { refusedText, unmatchedText, writtenLine } from '../report/message/snapshot.js'
import { decide, type UpdateMode } from '../snapshots/decide.js'
import { matchSnapshot, type SnapshotMatch, storeDump } from '../snapshots/match-snapshot.js'
import { SNAPSHOT_SUFFIX } from '../snapshots/names.js'
import { checkSnapshotOptions, type SnapshotOptions } from '../snapshots/options.js'
import { readSnapshot } from '../snapshots/read-snapshot.js'
import {
  addCompareOptions,
  addLimitOptions,
  addLoadOptions,
  compareOptionsOf,
  loadOptionsOf,
  parseNumber,
} from './compare-options.js'
import { type CommandIo, UsageError } from './io.js'
import { exitCodeOf, verdictLines } from './verdict.js'

const SNAPSHOT_HELP = `
Examples:
  golden-logits snapshot dumps/gpu golden/llama-8b.golden --write --provenance model=llama-8b
                                            writes the snapshot; if it exists, checks the dump against it
  golden-logits snapshot dumps/npu golden/llama-8b.golden --dtype bf16
                                            checks the dump, and writes nothing
  golden-logits snapshot dumps/npu golden/llama-8b.golden --dtype bf16 -u
                                            replaces the snapshot if the dump does not match, and says what it replaced
  golden-logits snapshot dumps/gpu golden/llama-8b.golden --write --fidelity compact
                                            1 kB a token, in place of every logit
  golden-logits snapshot dumps/npu tests/__golden__/model.test.ts/llama-1-d0a84f5e.golden
                                            checks a dump against the snapshot of a test

A full snapshot is two files, FILE and FILE.npz: keep both in the repository. With --json and -u, the report is the
comparison with the snapshot that was replaced.

Exit codes: 0 within the limits, or written, 1 over a limit, 2 wrong usage,
            3 the dump or the snapshot cannot be read, or no snapshot can be written,
            4 undecided or inconclusive: the message names the option that decides.
`

/** Adds the command `snapshot`. */
export function addSnapshot(program: Command, io: CommandIo): void {
  const command = program
    .command('snapshot')
    .summary('checks a dump against a stored snapshot, and writes snapshots')
    .description(
      'Checks a dump against a snapshot that the repository keeps, as the matcher toMatchLogitsSnapshot does. Writes a snapshot only with --write or --update.',
    )
    .argument('<dump>', 'the tested dump: a folder, a file, or a pattern in quotes')
    .argument('<file>', `the snapshot, a file that ends in ${SNAPSHOT_SUFFIX}`)
    .option('-w, --write', 'write the snapshot if it does not exist')
    .option('-u, --update', 'also replace it if the dump does not match it, or if it cannot be used')
    .option('--fidelity <what>', 'full (default: every logit) or compact (1 kB a token), for a new snapshot')
    .option('--k <n>', 'with --fidelity compact: how many vocab ids it lists for each token', parseNumber)
    .option(
      '--provenance <key=value>',
      'what the logits come from, stored and compared: model=llama-8b (repeatable); left out: as stored',
      addProvenance,
    )
    .option('--update-passing', 'with -u: also replace a snapshot that the dump matches, but not exactly')
    .option('--json', 'print the report as JSON instead of the message')
  addLimitOptions(command)
  addCompareOptions(command, ['baseline', 'baselineFactor'])
  addLoadOptions(command, [''])
  command.addHelpText('after', SNAPSHOT_HELP)
  command.action((dump: string, file: string, values: SnapshotValues) => io.exit(snapshot(dump, file, values, io)))
}

interface SnapshotValues extends Readonly<Record<string, unknown>> {
  readonly write?: boolean
  readonly update?: boolean
  readonly json?: boolean
  readonly provenance?: Readonly<Record<string, string>>
}

/** `model=llama-8b`, added to those before it. */
function addProvenance(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf('=')
  if (at < 1) throw new UsageError(`--provenance must be a key and its value, as in model=llama-8b, got ${text}`)
  const key = text.slice(0, at).trim()
  if (Object.hasOwn(before, key)) throw new UsageError(`--provenance ${key} is given twice: give it once`)
  return { ...before, [key]: text.slice(at + 1) }
}

/** @returns the exit code */
function snapshot(path: string, file: string, values: SnapshotValues, { json, print, say }: CommandIo): number {
  const target = targetOf(file)
  const mode: UpdateMode = values.update ? 'all' : values.write ? 'new' : 'none'
  if (values.updatePassing && mode !== 'all') throw new UsageError('--update-passing needs -u')
  const settings = checkSnapshotOptions(optionsOf(values))
  const compare = checkOptions(settings.compare)
  const dump = asDump('dump', loadDump(path, loadOptionsOf(values, 'dump')))
  requireSteps(dump, compare)
  const header = { provenance: values.provenance && settings.provenance, test: undefined, isUpdate: mode === 'all' }
  const existing = kindOf(target) === undefined ? undefined : target
  const match: SnapshotMatch = existing
    ? matchSnapshot(existing, dump, compare, settings, header)
    : { state: 'missing' }
  const { comparison } = match
  const report = (message?: string) => {
    const one = comparison && {
      ...comparisonReport(comparison, `${path} against ${file}`),
      ...(message && { message }),
    }
    if (values.json) json(reportDocument(one ? [one] : []))
    else if (message !== undefined) print(`${message}\n`)
    for (const warning of comparison?.warnings ?? []) say(`warning: ${warning}`)
  }
  const judged = (judgedComparison: ListedComparison, message: string): number => {
    report(message)
    for (const line of verdictLines(judgedComparison)) say(line)
    return exitCodeOf(judgedComparison)
  }
  // An update would not settle the warnings.
  if (comparison && failsByWarnings(comparison)) return judged(comparison, failureText(comparison))
  const action = decide(match.state, mode)
  switch (action) {
    case 'pass':
      return judged(comparison!, passText(comparison!))
    case 'fail':
    case 'fail-unmatched':
      return judged(comparison!, unmatchedText(match, undefined, 'repeat the command with -u'))
    case 'fail-missing':
      throw missing(file)
    case 'throw':
      throw match.error
    case 'write':
    case 'rewrite': {
      const kept = values.provenance ? settings.provenance : (match.snapshot?.provenance ?? {})
      const test = testOf(existing) ?? BY_COMMAND
      const stored = { ...settings, provenance: kept }
      const isAllowed = () => existing !== undefined || kindOf(target) === undefined
      const written = storeDump(target, match, test, dump, stored, compare, { isAllowed })
      if (written.kind === 'not-allowed') throw writtenMeanwhile(target)
      report(written.kind === 'refused' ? refusedText(written, target) : undefined)
      if (written.kind === 'refused') return 3
      if (!comparison) sayGuesses(dump, say)
      if (!values.provenance && Object.keys(kept).length > 0) say(`provenance kept: ${provenanceText(kept)}`)
      say(writtenLine(written, existing, match))
      return 0
    }
    default:
      return action satisfies never
  }
}

/** In place of the name of a test, in a snapshot that no test wrote. */
const BY_COMMAND = 'golden-logits snapshot'

/** @throws UsageError if the name is not that of a snapshot: the arguments may be the wrong way round */
function targetOf(file: string): string {
  if (file.endsWith(SNAPSHOT_SUFFIX)) return resolve(file)
  throw new UsageError(
    `the file of a snapshot ends in ${SNAPSHOT_SUFFIX}, got ${printable(file)}: golden-logits snapshot DUMP FILE${SNAPSHOT_SUFFIX}`,
  )
}

/** The test that an existing snapshot belongs to; undefined without a snapshot that can be read. */
function testOf(existing: string | undefined): string | undefined {
  try {
    return existing && readSnapshot(existing).test
  } catch (error) {
    if (error instanceof GoldenLogitsError) return undefined
    throw error
  }
}

function optionsOf(values: SnapshotValues): SnapshotOptions {
  const { fidelity, k, provenance, updatePassing } = values
  const given = Object.entries({ fidelity, k, provenance, updatePassing }).filter(([, value]) => value !== undefined)
  return { ...compareOptionsOf(values), ...Object.fromEntries(given) }
}

function missing(file: string): GoldenLogitsError {
  const message = `there is no snapshot to check the dump against${startedFrom(file)}; --write writes it`
  return new GoldenLogitsError('file-not-found', message, { file })
}

function writtenMeanwhile(file: string): GoldenLogitsError {
  const message = 'another process has written this snapshot in the meantime: repeat the command to check the dump'
  return new GoldenLogitsError('write-failed', message, { file })
}

/** What was guessed about a dump that becomes the golden: no comparison says it. */
function sayGuesses({ notes }: Dump, say: CommandIo['say']): void {
  for (const { text, weight } of notes) if (weight === 'warning') say(`warning: ${text}`)
}

function provenanceText(provenance: Readonly<Record<string, string>>): string {
  return Object.entries(provenance)
    .map(([key, value]) => `${printable(key, 40)} ${printable(value)}`)
    .join(', ')
}
