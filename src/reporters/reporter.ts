import { existsSync, rmdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { printable } from '../errors.js'
import { RENDERINGS } from '../report/renderings.js'
import { completedJestFiles, completedVitestFiles } from '../runner/completed-files.js'
import { beforeExit, endedWell } from './endings.js'
import { foldWarnings, type ReportedWarning } from './fold-warnings.js'
import { checkReporterOptions, type ReporterOptions } from './options.js'
import { fixedTarget, publishReport } from './publish.js'
import { handleObsolete } from './report-obsolete.js'
import { abandonedRunDirs, newRunDir } from './run-dirs.js'
import { RUN_DIR_VARIABLE } from './spool.js'
import { type ReportPart, spoolReport } from './spool-report.js'
import { fromHere, say, summaryText } from './summary.js'

/** The last report by root and option `csv`: in watch mode Jest makes a new reporter for each run, and a run replaces it. */
const written = new Map<string, string>()

/**
 * The reporter of Vitest and Jest: collects the rows that the matchers spooled, writes the CSV at the end of the run, and
 * names its path in one line on stderr. A run without a comparison writes nothing. If the report cannot be written, the run
 * fails.
 *
 * Vitest calls it with `(options)`, Jest with `(globalConfig, options, context)`.
 */
export class GoldenLogitsReporter {
  private readonly options: ReturnType<typeof checkReporterOptions>
  private readonly isJest: boolean
  private root: string
  private runDir: string | undefined
  private error: Error | undefined
  private testsRun = true
  private watches: boolean
  private isUpdate: boolean

  constructor(first?: ReporterOptions | JestConfig, second?: ReporterOptions) {
    const jest = isJestConfig(first) ? first : undefined
    this.isJest = jest !== undefined
    this.options = checkReporterOptions(jest ? second : first)
    this.root = jest?.rootDir ?? process.cwd()
    this.watches = Boolean(jest?.watch || jest?.watchAll)
    this.isUpdate = jest?.updateSnapshot === 'all'
  }

  /** Vitest. */
  onInit({ config }: { config: VitestConfig }): void {
    this.root = config.root
    this.isUpdate = config.snapshotOptions?.updateSnapshot === 'all'
    this.watches = Boolean(config.watch)
    // `--merge-reports` runs no test: the rows are in the reports of the shards, which must not be replaced.
    this.testsRun = !config.mergeReports
    this.onTestRunStart()
  }

  /** Vitest, before each run: in watch mode there are many. */
  onTestRunStart(): void {
    if (!this.runDir && this.testsRun) this.begin()
  }

  /** Vitest. */
  onTestRunEnd(modules: readonly unknown[], _errors: readonly unknown[], reason: string): void {
    if (reason !== 'interrupted') this.reportObsolete(completedVitestFiles(modules))
    this.flush()
  }

  /** Jest. */
  onRunStart(): void {
    this.begin()
  }

  /** Jest. */
  onRunComplete(_contexts: unknown, results?: Parameters<typeof completedJestFiles>[0]): void {
    this.reportObsolete(completedJestFiles(results))
    this.flush()
  }

  /** Jest calls this at the end: an error makes the run fail. */
  getLastError(): Error | undefined {
    return this.error
  }

  private begin(): void {
    this.runDir = newRunDir(this.root)
    process.env[RUN_DIR_VARIABLE] = this.runDir
    beforeExit(this.flush, this.isJest)
    const abandoned = abandonedRunDirs(this.root)
    if (abandoned.length === 0) return
    const dirs = abandoned.map(fromHere).join(', ')
    say(`an earlier run ended without a report; 'golden-logits merge' can make it from the rows in ${dirs}`)
  }

  private reportObsolete(completedFiles: readonly string[]): void {
    if (this.runDir === undefined) return
    const { obsolete } = this.options
    const { text, fails } = handleObsolete(this.runDir, completedFiles, obsolete, this.isUpdate, fromHere)
    if (text === undefined) return
    say(text)
    if (fails) this.fail(text)
  }

  private readonly flush = (): void => {
    const { runDir } = this
    this.runDir = undefined
    endedWell(this.flush)
    if (runDir === undefined) return
    try {
      const { parts, warnings, tornLines } = existsSync(runDir)
        ? spoolReport(runDir, RENDERINGS.csv)
        : { parts: [], warnings: [], tornLines: 0 }
      if (parts.length === 0) this.sayNothingCompared()
      else this.publish(parts, tornLines)
      this.reportWarnings(warnings)
      removeRunDir(runDir)
    } catch (error) {
      const text = `the report cannot be written (${printable(String(error), 300)}); its rows are kept in ${fromHere(runDir)}`
      say(text)
      this.fail(text)
    }
  }

  private publish(parts: readonly ReportPart[], tornLines: number): void {
    const { csv } = this.options
    const key = `${this.root}\n${csv}`
    const previous = this.watches ? written.get(key) : undefined
    const { path, summary } = publishReport(this.root, csv, previous, parts)
    written.set(key, path)
    say(summaryText(path, summary, tornLines))
  }

  private reportWarnings(warnings: readonly ReportedWarning[]): void {
    for (const line of foldWarnings(warnings)) say(`warning: ${line}`)
    if (!this.options.strict || warnings.length === 0) return
    const text = `${warnings.length} ${warnings.length === 1 ? 'warning makes' : 'warnings make'} the run fail (reporter option strict)`
    say(text)
    this.fail(text)
  }

  /** Nobody should take a report of an earlier run for this run's. */
  private sayNothingCompared(): void {
    const path = fixedTarget(this.root, this.options.csv)
    if (path !== undefined && existsSync(path))
      say(`this run compared nothing; ${fromHere(path)} is from an earlier run`)
  }

  /** Makes the run fail. */
  private fail(text: string): void {
    this.error = new Error(`golden-logits: ${text}`)
    // Jest asks for the error.
    if (!this.isJest) process.exitCode = 1
  }
}

function removeRunDir(runDir: string): void {
  rmSync(runDir, { recursive: true, force: true })
  try {
    rmdirSync(dirname(runDir))
  } catch {
    // Another run keeps its rows there.
  }
}

interface VitestConfig {
  root: string
  watch?: boolean
  mergeReports?: string
  snapshotOptions?: { updateSnapshot?: string }
}

interface JestConfig {
  rootDir: string
  updateSnapshot?: string
  watch?: boolean
  watchAll?: boolean
}

function isJestConfig(value: object | undefined): value is JestConfig {
  return value !== undefined && value !== null && 'rootDir' in value && 'maxWorkers' in value
}
