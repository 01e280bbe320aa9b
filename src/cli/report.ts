import { readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, extname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { checkOptions } from '../compare/options.js'
import { GoldenLogitsError, printable } from '../errors.js'
import { mostValues, withoutMark } from '../formats/json.js'
import { type ComparisonReport, MOST_TITLE, reportDocument, verdictsText } from '../report/document.js'
import { parseReport } from '../report/parse-report.js'
import { type NewLimits, rejudge } from '../report/rejudge.js'
import { TEXT_RENDERINGS } from '../report/texts.js'
import { fromHere } from '../reporters/summary.js'
import { REPORT_FOLDER } from '../reporters/target.js'
import { writeTextReport } from '../reporters/text-report.js'
import { parseNumber } from './compare-options.js'
import { expand, refuseOverlaps } from './inputs.js'
import { type CommandIo, OUTPUT_ADVICE, UsageError } from './io.js'

/** A larger file is no report that a page could show. */
const MOST_BYTES = 2 ** 29

/** A report of that size has fewer. */
const MOST_VALUES = 2 ** 25

/** Adds the command `report`. */
export function addReport(program: Command, { json, say, exit }: CommandIo): void {
  program
    .command('report')
    .summary('renders a JSON report as HTML, Markdown or JUnit XML, and judges it by other limits')
    .description(
      'Renders a report that was saved as JSON; several, such as one for each shard, become one. With limits, its tokens are judged again, without the dumps.',
    )
    .argument('<files...>', 'report.json: one file, several, or patterns in quotes')
    .option(
      '-o, --output <file>',
      `a file ending in .html, .md, .xml (JUnit) or .json (default: report.html beside the JSON; of several files, in ${REPORT_FOLDER}/)`,
    )
    .option('--kl-divergence, --kl <limit>', 'KL divergence must be below (also -kl)', parseNumber)
    .option('--cosine-similarity, --cs <limit>', 'cosine similarity must be above (also -cs)', parseNumber)
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 every comparison passes, 1 one does not, 2 wrong usage, 3 the file cannot be read.\n',
    )
    .action((paths: string[], values: ReportValues) => {
      const files = filesOf(paths, values.output)
      const saved = reportDocument(comparisonsIn(files))
      const limits: NewLimits = {
        ...(values.kl !== undefined && { klDivergence: values.kl }),
        ...(values.cs !== undefined && { cosineSimilarity: values.cs }),
      }
      checkOptions({ thresholds: limits })
      const report = Object.keys(limits).length === 0 ? saved : rejudge(saved, limits)
      if (values.json) json(report)
      if (!values.json || values.output !== undefined) {
        const folder = files.length > 1 ? REPORT_FOLDER : dirname(files[0]!)
        const output = values.output ?? join(folder, 'report.html')
        const render = TEXT_RENDERINGS.get(extname(output).toLowerCase())
        if (!render) throw new UsageError(`--output must end in .html, .md, .xml or .json, not '${output}'`)
        writeTextReport(resolve(output), render(report), OUTPUT_ADVICE)
        say(fromHere(resolve(output)))
      }
      for (const comparison of report.comparisons) {
        const title = printable(comparison.title, MOST_TITLE)
        if (report !== saved && !comparison.thresholds) {
          say(`warning: ${title}: it was judged by no such limits, so that its verdict stays`)
        }
        const reason = comparison.pass ? undefined : (comparison.inconclusive ?? comparison.wholeFailure)
        const why = reason === undefined ? '' : `; ${printable(reason, 600)}`
        say(`${comparison.pass ? 'passes' : 'fails'}: ${title}: ${verdictsText(comparison)}${why}`)
      }
      exit(report.comparisons.every(({ pass }) => pass) ? 0 : 1)
    })
}

interface ReportValues {
  readonly output?: string
  readonly kl?: number
  readonly cs?: number
  readonly json?: boolean
}

/** Each file once. @throws UsageError if the output is one of the files: what it was judged by would be lost */
function filesOf(paths: readonly string[], output: string | undefined): string[] {
  const files = [...new Map(paths.flatMap(expand).map((file) => [realpathSync(file), file])).values()]
  if (output !== undefined && files.some((file) => resolve(file) === resolve(output))) {
    throw new UsageError(`'${output}' is an input and the output; name another --output`)
  }
  return files
}

/**
 * The comparisons of all files.
 * @throws GoldenLogitsError `nothing-to-compare`, `ambiguous-run` if two files have comparisons of the same test file, and what
 * `parseReport` throws
 */
function comparisonsIn(files: readonly string[]): ComparisonReport[] {
  const parsed = files.map((file) => ({ input: file, comparisons: parseReport(file, readReport(file)).comparisons }))
  const placesOf = (reports: readonly ComparisonReport[]) => reports.flatMap(({ test }) => (test ? [test] : []))
  refuseOverlaps(
    parsed.map(({ input, comparisons }) => ({ input, places: placesOf(comparisons) })),
    'comparisons',
  )
  const comparisons = parsed.flatMap((report) => report.comparisons)
  if (comparisons.length > 0) return comparisons
  throw new GoldenLogitsError('nothing-to-compare', 'the report has no comparison', { file: files[0]! })
}

function readReport(file: string): string {
  const stats = statSync(file, { throwIfNoEntry: false })
  if (!stats?.isFile()) {
    const message = `this is not a file; expected the JSON that the reporter's option json writes, or ${REPORT_FOLDER}/report.json of the command compare`
    throw new GoldenLogitsError('file-not-found', message, { file })
  }
  if (stats.size > MOST_BYTES) {
    const message = `the file has ${stats.size} bytes, more than a report may have (${MOST_BYTES})`
    throw new GoldenLogitsError('limit-exceeded', message, { file })
  }
  const bytes = readFileSync(file)
  if (mostValues(bytes) > MOST_VALUES) {
    throw new GoldenLogitsError('limit-exceeded', `it has more values than a report may have (${MOST_VALUES})`, {
      file,
    })
  }
  return withoutMark(bytes.toString('utf8'))
}
