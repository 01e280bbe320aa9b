import { statSync } from 'node:fs'
import type { Command } from 'commander'
import { compareListed } from '../compare/compare-dumps.js'
import { stepRanges } from '../compare/step-ranges.js'
import type { TokenComparison, Verdict } from '../compare/types.js'
import { asDump } from '../dumps/as-dump.js'
import { loadDump } from '../dumps/load.js'
import type { Dump, DumpKind, DumpStep, LoadDumpOptions } from '../dumps/types.js'
import { GoldenLogitsError, printable } from '../errors.js'
import { readTensors } from '../formats/read-tensors.js'
import { counted, significant } from '../lib/number-text.js'
import { rowsOf } from '../measure/measure-all.js'
import { hasLogs, type KnownIdsRow, type LogProbRow, type RowSource } from '../measure/row-source.js'
import { countNonFinite, hasNonFinite, scanRow } from '../metrics/row-scan.js'
import { type TopLogit, topIds, topLogits } from '../metrics/top-logits.js'
import type { NonFinite, RowStats } from '../metrics/types.js'
import { capture } from '../snapshots/capture.js'
import type { Dtype } from '../tensor/dtype.js'
import type { LazyTensor } from '../tensor/tensor.js'
import { widened } from '../tensor/widen.js'
import { addLoadOptions, loadOptionsOf, parseNumber } from './compare-options.js'
import type { CommandIo } from './io.js'

/** Adds the command `inspect`. */
export function addInspect(program: Command, { print, exit }: CommandIo): void {
  const command = program
    .command('inspect')
    .summary('says what a dump or a file is, and what it holds')
    .description(
      'Says what a dump or a file is: layout, steps, ranks, tensors, statistics, and what was chosen or ignored.',
    )
    .argument('<path>', 'a dump, a file, or a pattern in quotes')
    .option('--token <n>', 'the token whose row is described (default: the first one)', parseNumber)
    .option('--json', 'print JSON')
  addLoadOptions(command, [''])
  command.addHelpText(
    'after',
    '\nExit codes: 0 it can be compared, 1 its row says nothing about a model (NaN, all equal …), 2 wrong usage, 3 it cannot be read,\n            4 an option has to decide which numbers are the logits.\n',
  )
  command.action((path: string, values: { token?: number; json?: boolean }) => {
    const facts = inspect(path, loadOptionsOf(values as Readonly<Record<string, unknown>>, 'dump'), values.token)
    print(values.json ? `${JSON.stringify(facts, null, 2)}\n` : `${linesOf(facts).join('\n')}\n`)
    exit(facts.problem === undefined ? 0 : (CODES[facts.verdict] ?? 4))
  })
}

/** The exit codes of rows that no option helps. */
const CODES: Partial<Readonly<Record<Verdict, number>>> = { 'no-information': 1, 'non-finite': 1, unreadable: 3 }

/** What is known of a dump without another side. */
interface Facts {
  readonly path: string
  readonly layout: Dump['layout']
  readonly steps: number
  readonly tokens: string
  readonly ranks: number
  readonly layers: readonly string[]
  readonly notes: readonly string[]
  readonly ignored: Readonly<Record<string, number>>
  readonly token: number
  readonly files: readonly string[]
  readonly tensors: readonly Pick<LazyTensor, 'name' | 'dtype' | 'shape'>[]
  readonly row?: RowFacts
  readonly logProbs?: LogProbFacts
  /** Of the token against itself. */
  readonly verdict: Verdict
  /** Why the token cannot be compared. */
  readonly problem?: string
}

interface RowFacts extends Pick<RowStats, 'max' | 'min' | 'mean'> {
  readonly dtype: Dtype
  readonly width: number
  readonly nonFinite?: NonFinite
  readonly top: readonly TopLogit[]
}

/** A row of log-probabilities, of all vocab ids or of some. */
interface LogProbFacts {
  readonly kind: DumpKind
  readonly ids: number
  /** Of these ids together. */
  readonly probability: number
  readonly top: readonly Pick<TopLogit, 'id' | 'probability'>[]
}

function inspect(path: string, options: LoadDumpOptions, token: number | undefined): Facts {
  const dump = asDump('dump', loadDump(path, options))
  const steps = [...dump.steps]
  const step = token === undefined ? steps[0]! : steps.find((other) => other.step === token)
  const tokens = stepRanges(steps.map((other) => other.step))
  if (!step) {
    const message = `there is no token ${token}; the dump has ${tokens}`
    throw new GoldenLogitsError('nothing-to-compare', message, { file: path })
  }
  const ignored: Record<string, number> = {}
  for (const { reason } of dump.ignored) ignored[reason] = (ignored[reason] ?? 0) + 1
  // Of many positions the last is shown.
  const rows = dump.rows?.positions === 'all' ? { ...dump.rows, positions: 'last' as const } : dump.rows
  const source = rowsOf({ ...dump, ...(rows && { rows }) })
  const { verdict, reason } = judged(dump, steps, step.step)
  const row = rowOf(step, source)
  const problem = row.problem ?? (PROBLEMS.includes(verdict) ? reason : undefined)
  return {
    path,
    layout: dump.layout,
    steps: steps.length,
    tokens,
    ranks: Math.max(...steps.map(({ files }) => files.length)),
    layers: [...new Set(steps.map(({ layer }) => layer).filter((layer) => layer !== ''))],
    notes: dump.notes.map(({ text }) => text),
    ignored,
    token: step.step,
    files: step.files,
    tensors: step.files.slice(0, 1).flatMap(tensorsOf),
    verdict,
    ...row,
    ...(problem !== undefined && { problem }),
  }
}

/** The verdicts that fail any comparison. */
const PROBLEMS: readonly Verdict[] = ['no-information', 'non-finite', 'shape-mismatch', 'unreadable']

/** A token of a dump against itself. The first steps show whether each holds all positions of its text. */
function judged(dump: Dump, steps: readonly DumpStep[], token: number): Pick<TokenComparison, 'verdict' | 'reason'> {
  const compared = [...new Set([...steps.slice(0, 3).map(({ step }) => step), token])].sort((a, b) => a - b)
  // Integers do not show a precision; the widest limits judge all.
  const options = { steps: compared, dtype: 'bf16', identical: 'allow', repeatedRows: 'allow', threads: 1 } as const
  const { tokens } = compareListed(dump, dump, options)
  const { verdict, reason } = [...tokens].find(({ step }) => step === token)!
  // Both sides are the same dump.
  const text = reason.replace(/^golden: /, '').replace(/^(?:the )?golden holds/, 'it holds')
  return { verdict, reason: text.replace(/; dump holds .*$/, '') }
}

function rowOf(step: DumpStep, source: RowSource): Pick<Facts, 'row' | 'logProbs' | 'problem'> {
  const prepared = source.prepare(step, true)
  if (hasLogs(prepared)) return { logProbs: logProbFacts(prepared) }
  if (prepared.kind === 'row') prepared.close()
  const row = capture(step, source, undefined)
  return row.kind === 'row' ? { row: rowFacts(row.bytes, row.dtype, row.width) } : { problem: row.reason }
}

function logProbFacts(row: LogProbRow | KnownIdsRow): LogProbFacts {
  const { ids, logs } = row.kind === 'known-ids' ? row.known : { ids: undefined, logs: row.read().logs }
  const probs = logs.map(Math.exp)
  return {
    kind: row.kind === 'known-ids' ? 'known-ids' : 'log-probabilities',
    ids: logs.length,
    probability: probs.reduce((sum, p) => sum + p, 0),
    top: topIds(logs, 5).map((at) => ({ id: ids?.[at] ?? at, probability: probs[at]! })),
  }
}

function tensorsOf(file: string): Facts['tensors'] {
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return []
  try {
    return readTensors(file).map(({ name, dtype, shape }) => ({ name, dtype, shape }))
  } catch (error) {
    if (error instanceof GoldenLogitsError) return []
    throw error
  }
}

function rowFacts(bytes: Uint8Array, dtype: Dtype, width: number): RowFacts {
  const values = widened(bytes, dtype, width)
  const scan = scanRow(values, width)
  const { max, min, mean } = scan
  return {
    dtype,
    width,
    max,
    min,
    mean,
    ...(hasNonFinite(scan) && { nonFinite: countNonFinite(values, width) }),
    top: topLogits(values, 5),
  }
}

function linesOf(facts: Facts): string[] {
  const { path, layout, steps, tokens, ranks, layers, notes, ignored, token, files, tensors, problem } = facts
  const line = (name: string, text: string) => `  ${name.padEnd(8)}  ${text}`
  return [
    printable(path, 400),
    line('layout', layout),
    line('steps', `${steps} (${tokens})${ranks > 1 ? `, ${ranks} ranks each` : ''}`),
    ...(layers.length > 0
      ? [
          line(
            'layer',
            layers
              .slice(0, 4)
              .map((layer) => printable(layer))
              .join(', '),
          ),
        ]
      : []),
    ...notes.slice(0, 8).map((note) => line('note', printable(note, 300))),
    ...Object.entries(ignored)
      .slice(0, 8)
      .map(([reason, count]) => line('ignored', `${count} × ${printable(reason, 200)}`)),
    '',
    `Token ${token}`,
    ...files.slice(0, 4).map((file) => line('file', printable(file, 400))),
    ...tensors
      .slice(0, 8)
      .map(({ name, dtype, shape }) =>
        line('tensor', `${name === '' ? '' : `'${printable(name, 60)}' `}${dtype} [${shape.join(', ')}]`),
      ),
    ...(facts.row ? rowLines(facts.row, line) : []),
    ...(facts.logProbs ? logProbLines(facts.logProbs, line) : []),
    ...(problem === undefined ? [] : [line('problem', printable(problem, 600))]),
  ]
}

function rowLines(
  { dtype, width, max, min, mean, top }: RowFacts,
  line: (name: string, text: string) => string,
): string[] {
  return [
    line('row', `${dtype} [${width}], max ${short(max)}, min ${short(min)}, mean ${short(mean)}`),
    ...top.map(({ id, logit, probability }, i) =>
      line(i === 0 ? 'top' : '', `${String(id).padStart(7)}  logit ${short(logit)}  probability ${short(probability)}`),
    ),
  ]
}

function logProbLines({ kind, ids, probability, top }: LogProbFacts, line: (name: string, text: string) => string) {
  const what = kind === 'known-ids' ? `log-probabilities of ${counted(ids, 'vocab id')}` : `log-probabilities [${ids}]`
  return [
    line('row', `${what}, which hold a probability of ${short(probability)}`),
    ...top.map(({ id, probability }, i) => {
      return line(i === 0 ? 'top' : '', `${String(id).padStart(7)}  probability ${short(probability)}`)
    }),
  ]
}

function short(value: number): string {
  return significant(value, 6)
}
