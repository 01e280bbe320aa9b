import { appendFileSync, statSync, writeSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { GoldenLogitsError, printable } from '../errors.js'
import { counted } from '../lib/number-text.js'
import type { ReportDocument } from '../report/document.js'
import { htmlPage } from '../report/html/page.js'
import { jsonLines } from '../report/json.js'
import { reportJunit } from '../report/junit.js'
import { reportMarkdown } from '../report/markdown.js'
import { RENDERINGS } from '../report/renderings.js'
import { type JestTest, nameProject } from '../runner/jest-project.js'
import { type JestResults, jestResults, NO_RESULTS, type RunResults, vitestResults } from '../runner/results.js'
import { annotationLines, wantsAnnotations } from './annotations.js'
import { beforeExit, endedWell } from './endings.js'
import { foldWarnings, type ReportedWarning } from './fold-warnings.js'
import { checkReporterOptions, type ReporterOptions, withoutStack } from './options.js'
import { type Published, publishReport } from './publish.js'
import { handleObsolete } from './report-obsolete.js'
import {
  abandonedRunDirs,
  closeRun,
  isFirst,
  markOneProject,
  type OpenRun,
  openRun,
  RUN_DIR_VARIABLE,
} from './run-dirs.js'
import { type SpoolReport, spoolReport } from './spool-report.js'
import { fromHere, lossTexts, say, summaryText, wholePath } from './summary.js'
import { clearTarget, fixedTarget, targetOf } from './target.js'
import { isTextReport, writeTextReport } from './text-report.js'

/** The rows of a longer run take much memory while a report of all of them is made. */
const MOST_ROWS = 50_000

/** GitHub refuses a longer summary of a step as a whole, with what others wrote into it. */
const MOST_SUMMARY_BYTES = 2 ** 20

/** @param option names the path of the file */
function adviceFor(option: string): string {
  return `delete it, or name another path with the reporter's option ${option}`
}

/**
 * The reporter of Vitest and Jest: collects the rows that the matchers spooled, writes the CSV at the end of the run, and
 * names its path in one line on stderr. A run without a comparison writes nothing. If a row is lost or the report cannot be
 * written, the run fails. Several reporters of one run write the same rows.
 *
 * Vitest calls it with `(options)`, Jest with `(globalConfig, options, context)`.
 */
export class GoldenLogitsReporter {
  private readonly options: ReturnType<typeof checkReporterOptions>
  private readonly isJest: boolean
  private readonly projects: number
  private root: string
  private run: OpenRun | undefined
  private error: Error | undefined
  private testsRun = true
  private watches: boolean
  private isUpdate: boolean
  private wantsAnnotations: boolean

  constructor(first?: ReporterOptions | JestConfig, second?: ReporterOptions) {
    const jest = isJestConfig(first) ? first : undefined
    this.isJest = jest !== undefined
    this.options = checkReporterOptions(jest ? second : first)
    this.root = jest?.rootDir ?? process.cwd()
    this.projects = jest?.projects?.length ?? 1
    this.watches = Boolean(jest?.watch || jest?.watchAll)
    this.isUpdate = jest?.updateSnapshot === 'all'
    this.wantsAnnotations = wantsAnnotations(jest?.reporters)
  }

  /** Vitest. */
  onInit({ config }: { config: VitestConfig }): void {
    this.root = config.root
    this.isUpdate = config.snapshotOptions?.updateSnapshot === 'all'
    this.watches = Boolean(config.watch)
    this.wantsAnnotations = wantsAnnotations(config.reporters)
    // `--merge-reports` runs no test: the rows are in the reports of the shards, which must not be replaced.
    this.testsRun = !config.mergeReports
  }

  /** Vitest, before each run: in watch mode there are many. */
  onTestRunStart(): void {
    if (!this.run && this.testsRun) this.begin()
  }

  /** Vitest. */
  onTestRunEnd(modules: readonly unknown[], _errors: readonly unknown[], reason: string): void {
    this.end(vitestResults(modules, reason === 'interrupted'))
  }

  /** Jest. */
  onRunStart(): void {
    this.begin()
  }

  /** Jest. */
  onTestFileStart(test: JestTest): void {
    if (this.projects > 1) nameProject(test, this.root)
  }

  /** Jest. */
  onRunComplete(_contexts: unknown, results?: JestResults): void {
    this.end(jestResults(results))
  }

  /** Jest calls this at the end: an error makes the run fail. */
  getLastError(): Error | undefined {
    return this.error
  }

  /** @throws GoldenLogitsError `invalid-argument` if an option names a file that is not a report */
  private begin(): void {
    try {
      this.clearReports()
    } catch (error) {
      if (error instanceof GoldenLogitsError) throw withoutStack(error)
      this.fail(`a report of an earlier run cannot be deleted (${textOf(error)})`)
    }
    try {
      this.run = openRun(this.root)
    } catch (error) {
      this.fail(`there is no room for the rows of this run, so there will be no report (${textOf(error)})`)
      return
    }
    const { dir } = this.run
    process.env[RUN_DIR_VARIABLE] = dir
    if (this.projects <= 1) markOneProject(dir)
    beforeExit(this.endEarly, this.isJest ? ['SIGINT', 'SIGTERM', 'SIGHUP'] : ['SIGHUP'])
    const abandoned = abandonedRunDirs(this.root)
    if (abandoned.length === 0 || !isFirst(dir, 'named-abandoned')) return
    const dirs = abandoned.map(wholePath).join(', ')
    say(`an earlier run ended without a report; 'golden-logits merge' can make it from the rows in ${dirs}`)
  }

  /** Deletes the reports of an earlier run, so that nobody takes them for the reports of this run. */
  private clearReports(): void {
    const { csv, html, json, junit } = this.options
    const fixed = fixedTarget(this.root, csv)
    if (fixed !== undefined) clearTarget(fixed, adviceFor('csv'))
    for (const [option, name] of Object.entries({ html, json, junit })) {
      if (name !== undefined) clearTarget(resolve(this.root, name), adviceFor(option), isTextReport)
    }
  }

  /** The process ends before the runner has called the last hook. */
  private readonly endEarly = (code?: number): void => {
    this.end(NO_RESULTS)
    if (code !== 0) return
    this.fail('the process exited before the runner was done, so comparisons may be missing: the run fails')
    // Not even Jest asks for the error any more.
    process.exitCode = 1
  }

  private end(results: RunResults): void {
    const { run } = this
    this.run = undefined
    endedWell(this.endEarly)
    if (run === undefined) return
    try {
      this.reportObsolete(run, results)
      const report = spoolReport(run.dir, RENDERINGS.csv, ({ testId, file, test }) =>
        results.hasPassed(testId, join(this.root, file), test),
      )
      this.publish(report)
      this.publishTexts(report)
      if (isFirst(run.dir, 'named-kl')) for (const line of report.klLines()) say(line)
      this.reportWarnings(run, report.warnings)
      this.annotate(run, report, results)
      closeRun(run, false)
    } catch (error) {
      closeRun(run, true)
      this.fail(`the report cannot be written (${textOf(error)}); its rows are kept in ${wholePath(run.dir)}`)
    }
  }

  private reportObsolete({ dir }: OpenRun, { completedFiles }: RunResults): void {
    const { obsolete } = this.options
    const { text, fails } = handleObsolete(dir, completedFiles, obsolete, this.isUpdate, fromHere)
    if (text === undefined) return
    if (fails) this.fail(text)
    else if (isFirst(dir, 'named-obsolete')) say(text)
  }

  private publish({ parts, losses }: SpoolReport): void {
    const { csv } = this.options
    const missing = lossTexts(losses)
    let published: Published | undefined
    if (parts.length > 0) {
      published = publishReport((n) => targetOf(this.root, csv, this.watches, n), parts, adviceFor('csv'))
      say(summaryText(published.path, published.summary, losses))
    }
    const { unfinished } = published?.summary ?? { unfinished: 0 }
    if (unfinished > 0) missing.push(`${counted(unfinished, 'comparison')} unfinished`)
    if (missing.length > 0) this.fail(`the report is incomplete: ${missing.join(', ')}`)
  }

  /** The reports in HTML, JSON and JUnit XML, and GitHub's step summary, as far as they are wanted. */
  private publishTexts({ parts, document }: SpoolReport): void {
    const { html, json, junit, isHtmlAsked } = this.options
    const rows = parts.reduce((sum, part) => sum + part.rows, 0)
    if (rows === 0) return
    const isLong = rows > MOST_ROWS
    const wantsHtml = html !== undefined && (isHtmlAsked || !isLong)
    const isAsked = wantsHtml || json !== undefined || junit !== undefined
    const { GITHUB_STEP_SUMMARY: stepSummary } = process.env
    const summary = isLong && !isAsked ? undefined : stepSummary
    const leftOut = [
      ...(html !== undefined && !wantsHtml ? ['the HTML report'] : []),
      ...(summary === stepSummary ? [] : ['the step summary']),
    ].join(' and ')
    if (leftOut !== '') {
      say(
        `left out: ${leftOut}, because the run has more than ${MOST_ROWS} rows; the reporter's option html: true makes them`,
      )
    }
    if (!isAsked && summary === undefined) return
    const report = document()
    if (wantsHtml) this.writeText('html', html, () => [htmlPage(report)])
    if (json !== undefined) this.writeText('json', json, () => jsonLines(report))
    if (junit !== undefined) this.writeText('junit', junit, () => [reportJunit(report)])
    if (summary !== undefined) appendSummary(summary, report)
  }

  private writeText(option: string, name: string, render: () => Iterable<string>): void {
    const path = resolve(this.root, name)
    writeTextReport(path, render(), adviceFor(option))
    say(wholePath(path))
  }

  private reportWarnings({ dir }: OpenRun, warnings: readonly ReportedWarning[]): void {
    if (warnings.length > 0 && isFirst(dir, 'named-warnings')) {
      for (const line of foldWarnings(warnings)) say(`warning: ${line}`)
    }
    if (!this.options.strict || warnings.length === 0) return
    const text = `${counted(warnings.length, 'warning')} ${warnings.length === 1 ? 'makes' : 'make'} the run fail (reporter option strict)`
    this.fail(text)
  }

  /** Shows failures at their lines on GitHub. */
  private annotate({ dir }: OpenRun, { failing }: SpoolReport, results: RunResults): void {
    if (!this.wantsAnnotations || !isFirst(dir, 'named-annotations')) return
    for (const line of annotationLines(failing(), results, this.root)) writeSync(2, `${line}\n`)
  }

  /** Makes the run fail, and prints why. */
  private fail(text: string): void {
    say(text)
    this.error = new Error(`golden-logits: ${text}`)
    // Jest asks for the error.
    if (!this.isJest) process.exitCode = 1
  }
}

/** GitHub shows it on the page of the run. Without it the run goes on: it is a convenience. */
function appendSummary(path: string, report: ReportDocument): void {
  try {
    const text = reportMarkdown(report)
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
    if (size + Buffer.byteLength(text) <= MOST_SUMMARY_BYTES) appendFileSync(path, text)
    else say("the step summary of GitHub is left out: with this run's, the step would have more than 1 MiB")
  } catch (error) {
    say(`the step summary cannot be written (${textOf(error)})`)
  }
}

function textOf(error: unknown): string {
  return printable(error instanceof Error ? error.message : String(error), 1000)
}

interface VitestConfig {
  root: string
  watch?: boolean
  mergeReports?: string
  reporters?: unknown
  snapshotOptions?: { updateSnapshot?: string }
}

interface JestConfig {
  rootDir: string
  projects?: readonly unknown[]
  reporters?: unknown
  updateSnapshot?: string
  watch?: boolean
  watchAll?: boolean
}

function isJestConfig(value: object | undefined): value is JestConfig {
  return typeof value === 'object' && value !== null && 'rootDir' in value && 'maxWorkers' in value
}
