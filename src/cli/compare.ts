import { extname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { compareListed } from '../compare/compare-dumps.js'
import type { ListedComparison } from '../compare/types.js'
import { loadDump, loadPaths } from '../dumps/load.js'
import { OperationNames } from '../dumps/operation-names.js'
import { printable } from '../errors.js'
import { kindOf } from '../io/folder.js'
import { counted } from '../lib/number-text.js'
import { comparisonReport, type ReportDocument, reportByRun, reportDocument } from '../report/document.js'
import { RENDERINGS } from '../report/renderings.js'
import type { ComparisonRow } from '../report/rows.js'
import { TEXT_RENDERINGS } from '../report/texts.js'
import { publishReport } from '../reporters/publish.js'
import type { ReportPart } from '../reporters/spool-report.js'
import { fromHere } from '../reporters/summary.js'
import { REPORT_FOLDER, targetOf } from '../reporters/target.js'
import { writeTextReport } from '../reporters/text-report.js'
import { addLayersOptions, type LayersValues, layersResult, refuseLayersOptions } from './compare-layers.js'
import {
  addCompareOptions,
  addLimitOptions,
  addLoadOptions,
  compareFlagsIn,
  compareOptionsOf,
  loadOptionsOf,
} from './compare-options.js'
import { type CommandIo, OUTPUT_ADVICE, UsageError } from './io.js'
import { exitCodeOf, verdictLines } from './verdict.js'

const COMPARE_EXAMPLES = `
Examples:
  golden-logits compare -gp dumps/gpu -mp dumps/npu --dtype bf16
  golden-logits compare dumps/npu dumps/gpu -kl 0.01 -o release/report.html
  golden-logits compare -gp gpu/*/0/output.pth -mp npu/*/0/output.pth --json
  golden-logits compare dumps/npu dumps/gpu --calibration llama-8b.calibration.json --model llama-8b --device npu
  golden-logits compare dumps/npu dumps/gpu-fp32 --baseline dumps/gpu-bf16
  golden-logits compare -gp layers/gpu -mp layers/npu --layers --token 3 --floor layers/gpu-bf16

Every option of loading has two more forms, for one side: --golden-first-step, --dump-first-step …

Messages name options as tests do: identical: 'allow' is the flag --identical allow.

Exit codes: 0 within the limits, 1 not within: a token is over a limit, missing, not finite, of another shape …, 2 wrong
            usage, 3 a dump or a file of it cannot be read, or the report cannot be written, 4 undecided or
            inconclusive: the message names the option that decides.
`

/** Adds the command `compare`. */
export function addCompare(program: Command, { json, print, say, exit }: CommandIo): void {
  const command = program
    .command('compare')
    .summary('compares two dumps, prints the verdict, and writes the report')
    .description('Compares the logits of two dumps token by token, as the matcher toMatchGoldenLogits does.')
    .argument('[dump]', 'the tested dump: a folder, a file, or a pattern in quotes')
    .argument('[golden]', 'the trusted dump')
    .option(
      '--golden-path <path...>',
      'the trusted dump (also -gp): one path, or those that the shell makes of a pattern',
    )
    .option('--my-path <path...>', 'the tested dump (also -mp), likewise')
    .option(
      '-o, --output <path>',
      'a folder for CSV, HTML and JSON, or one file: .csv, .html, .json, .md or .xml (JUnit) (default: golden-logits-report/)',
    )
    .option('--no-report', 'write no file')
    .option('--json', 'print the report as JSON instead of the message')
    .option('--cmp-level <level>', 'only logits (also -cl)')
  addLimitOptions(command)
  addLayersOptions(command)
  addCompareOptions(command)
  addLoadOptions(command)
  command.addHelpText('after', COMPARE_EXAMPLES)
  command.action((dump: string | undefined, golden: string | undefined, values: CompareValues) => {
    const sides = sidesOf(dump, golden, values)
    checkOutput(values)
    if (values.cmpLevel !== undefined && values.cmpLevel !== 'logits') {
      const advice = '--layers with --token N compares the layers of a token'
      throw new UsageError(`compare reads logits: --cmp-level ${values.cmpLevel} is not supported; ${advice}`)
    }
    const options = values as unknown as Readonly<Record<string, unknown>>
    if (values.layers) return compareLayersOf(sides, values, options)
    refuseLayersOptions(values)
    const [testedDump, trustedDump] = [
      loadPaths(sides.dump, loadOptionsOf(options, 'dump')),
      loadPaths(sides.golden, loadOptionsOf(options, 'golden')),
    ]
    const comparison = compareListed(testedDump, trustedDump, {
      ...compareOptionsOf(options),
      ...(values.baseline !== undefined && {
        baseline: loadDump(values.baseline, loadOptionsOf(options, 'baseline')),
      }),
    })
    const report = comparisonReport(comparison, `${testedDump.path} against ${trustedDump.path}`)
    const document = reportDocument(reportByRun(report))
    if (values.json) json(document)
    else print(`${report.message}\n`)
    for (const warning of comparison.warnings) say(`warning: ${warning}`)
    if (values.report) for (const path of writeReports(values.output, document, comparison)) say(fromHere(path))
    for (const line of verdictLines(comparison)) say(line)
    exit(exitCodeOf(comparison))
  })

  const compareLayersOf = (sides: Sides, values: CompareValues, options: Readonly<Record<string, unknown>>) => {
    const pointless = compareFlagsIn(options).find((flag) => flag !== '--dtype')
    if (pointless !== undefined) throw new UsageError(`${pointless} has no meaning with --layers`)
    const sideOf = (side: 'golden' | 'dump') => ({ paths: sides[side], options: loadOptionsOf(options, side) })
    const result = layersResult({ golden: sideOf('golden'), dump: sideOf('dump') }, values, options.dtype)
    const document = reportDocument([result.report])
    if (values.json) json(document)
    else print(`${result.text}\n`)
    for (const warning of result.comparison.warnings) say(`warning: ${warning}`)
    const written = { ...result.comparison, tokens: result.report.tokens, notes: [...result.comparison.notes] }
    if (values.report) for (const path of writeReports(values.output, document, written)) say(fromHere(path))
    say(result.summary)
    exit(result.exitCode)
  }
}

interface CompareValues extends LayersValues {
  readonly goldenPath?: readonly string[]
  readonly myPath?: readonly string[]
  readonly output?: string
  readonly report: boolean
  readonly json?: boolean
  readonly cmpLevel?: string
  readonly baseline?: string
}

/** The paths of both sides. */
type Sides = Readonly<Record<'golden' | 'dump', readonly string[]>>

function sidesOf(dump: string | undefined, golden: string | undefined, { goldenPath, myPath }: CompareValues): Sides {
  const tested = [...(myPath ? [myPath] : []), ...(dump === undefined ? [] : [[dump]])]
  const trusted = [...(goldenPath ? [goldenPath] : []), ...(golden === undefined ? [] : [[golden]])]
  if (tested.length === 1 && trusted.length === 1) return { dump: tested[0]!, golden: trusted[0]! }
  const given = `${counted(tested.length, 'tested dump')} and ${counted(trusted.length, 'golden')}`
  throw new UsageError(
    `compare needs one tested dump and one golden, got ${given}: compare DUMP GOLDEN, or compare -gp GOLDEN -mp DUMP`,
  )
}

/** @throws UsageError for a path that is neither a folder nor a file of a known form */
function checkOutput({ output, report }: CompareValues): void {
  if (output === undefined) return
  if (!report) throw new UsageError('--no-report writes no file: leave out --output')
  const extension = extname(output).toLowerCase()
  const isFolder = namesFolder(output) || !/^\.[a-z]+$/.test(extension)
  if (output !== '' && (isFolder || extension === '.csv' || TEXT_RENDERINGS.has(extension))) return
  throw new UsageError(
    `--output must be a folder (end it with /), or a file that ends in .csv, .html, .json, .md or .xml, not '${printable(output)}'`,
  )
}

/** A folder may be named like a file. */
function namesFolder(output: string): boolean {
  return /[\\/]$/.test(output) || kindOf(output) === 'folder'
}

/** What the CSV says of a comparison; one of layers has no thresholds. */
type Written = Pick<ListedComparison, 'tokens' | 'notes' | 'pass' | 'goldenPath' | 'dumpPath'> & {
  readonly thresholds?: ListedComparison['thresholds']
}

/** The files that an output stands for: CSV, HTML and JSON in a folder, or the form that the file's extension names. */
function writeReports(output = `${REPORT_FOLDER}/`, document: ReportDocument, comparison: Written): string[] {
  const extension = namesFolder(output) ? '' : extname(output).toLowerCase()
  if (extension === '.csv') return [writeCsv(output, comparison)]
  if (TEXT_RENDERINGS.has(extension)) return [writeText(output, document)]
  const folder = output.endsWith('/') ? output : `${output}/`
  return [
    writeText(join(folder, 'report.html'), document),
    writeText(join(folder, 'report.json'), document),
    writeCsv(folder, comparison),
  ]
}

function writeText(output: string, document: ReportDocument): string {
  const path = resolve(output)
  writeTextReport(path, TEXT_RENDERINGS.get(extname(path).toLowerCase())!(document), OUTPUT_ADVICE)
  return path
}

function writeCsv(output: string, comparison: Written): string {
  const { thresholds, notes, pass } = comparison
  const row: ComparisonRow = {
    project: '',
    file: '',
    test: `${comparison.dumpPath} against ${comparison.goldenPath}`,
    testIsSure: true,
    ordinal: 1,
    repetition: 1,
    attempt: 1,
    matcher: 'compare',
    isNot: false,
    soft: false,
    poll: false,
    expectation: pass ? 'met' : 'not met',
    ...(thresholds && { thresholds }),
    notes,
  }
  const part: ReportPart = {
    place: row,
    rows: comparison.tokens.length,
    *lines(summary) {
      const names = new OperationNames()
      let index = 0
      for (const token of comparison.tokens) {
        summary.rows++
        if (!token.pass) summary.failed++
        const types = { golden: names.typeOf(token.golden), my: names.typeOf(token.dump) }
        const reportRows = summary.total
        yield RENDERINGS.csv.row({ comparison: row, token: { ...token, index: index++, types }, reportRows })
      }
    },
  }
  const target = (n: number) => targetOf(process.cwd(), output, false, n)
  return publishReport(target, [part], OUTPUT_ADVICE).path
}
