import { existsSync, rmdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { printable } from '../errors.js'
import { beforeExit, endedWell } from './endings.js'
import { checkReporterOptions, type ReporterOptions } from './options.js'
import { handleObsolete } from './report-obsolete.js'
import { leftRunDirs, newRunDir } from './run-dirs.js'
import { RUN_DIR_VARIABLE } from './spool.js'
import { type ReportPart, spoolReport } from './spool-report.js'
import { fromHere, say, summaryText } from './summary.js'
import { fixedTarget, publishReport } from './target.js'
import { wholeJestFiles, wholeVitestFiles } from './whole-files.js'

/** The reports of watch mode, by root and option `csv`: it makes one, however often it runs. */
const written = new Map<string, string>()

/**
 * The reporter of Vitest and Jest: gathers the rows that the matchers left and writes the CSV at the end of the run, one
 * line on stderr saying where. Runs without a comparison write nothing. Where the report cannot be written, the run fails.
 *
 * Vitest calls it with `(options)`, Jest with `(globalConfig, options, context)`.
 */
export class GoldenLogitsReporter {
  private readonly options: ReporterOptions
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
    // `--merge-reports` runs no test: the rows are in the reports of the shards, which must stay.
    this.testsRun = !config.mergeReports
    this.onTestRunStart()
  }

  /** Vitest, before each run: in watch mode there are many. */
  onTestRunStart(): void {
    if (!this.runDir && this.testsRun) this.begin()
  }

  /** Vitest. */
  onTestRunEnd(modules: readonly unknown[], _errors: readonly unknown[], reason: string): void {
    if (reason !== 'interrupted') this.tellObsolete(wholeVitestFiles(modules))
    this.flush()
  }

  /** Jest. */
  onRunStart(): void {
    this.begin()
  }

  /** Jest. */
  onRunComplete(_contexts: unknown, results?: Parameters<typeof wholeJestFiles>[0]): void {
    this.tellObsolete(wholeJestFiles(results))
    this.flush()
  }

  /** Jest asks for it at the end: an error makes the run fail. */
  getLastError(): Error | undefined {
    return this.error
  }

  private begin(): void {
    this.runDir = newRunDir(this.root)
    process.env[RUN_DIR_VARIABLE] = this.runDir
    beforeExit(this.flush, this.isJest)
    const left = leftRunDirs(this.root)
    if (left.length === 0) return
    const dirs = left.map(fromHere).join(', ')
    say(`a run before this one ended without its report; 'golden-logits merge' makes it of its rows, in ${dirs}`)
  }

  private tellObsolete(wholeFiles: readonly string[]): void {
    if (this.runDir === undefined) return
    const policy = this.options.obsolete ?? 'report'
    const { text, fails } = handleObsolete(this.runDir, wholeFiles, policy, this.isUpdate, fromHere)
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
      const { parts, tornLines } = existsSync(runDir) ? spoolReport(runDir) : { parts: [], tornLines: 0 }
      if (parts.length === 0) this.sayNothingMade()
      else this.publish(parts, tornLines)
      removeRunDir(runDir)
    } catch (error) {
      const text = `the report cannot be written (${printable(String(error), 300)}); its rows are in ${fromHere(runDir)}`
      say(text)
      this.fail(text)
    }
  }

  private publish(parts: readonly ReportPart[], tornLines: number): void {
    const { csv } = this.options
    const key = `${this.root}\n${csv}`
    const own = this.watches ? written.get(key) : undefined
    const { path, summary } = publishReport(this.root, csv, own, parts)
    written.set(key, path)
    say(summaryText(path, summary, tornLines))
  }

  /** A report of an earlier run must not pass for this one's. */
  private sayNothingMade(): void {
    const path = fixedTarget(this.root, this.options.csv)
    if (path !== undefined && existsSync(path)) say(`this run compared nothing; ${fromHere(path)} is of an earlier one`)
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
    // Another run has its rows there.
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
