import { existsSync, rmSync, statSync, writeSync } from 'node:fs'
import { isAbsolute, join, relative, resolve } from 'node:path'
import { shown } from '../errors.js'
import { checkReporterOptions, type ReporterOptions } from './options.js'
import { type CsvSummary, type CsvTarget, writeReport } from './report-csv.js'
import { handleObsolete } from './report-obsolete.js'
import { leftRunDirs, newRunDir } from './run-dirs.js'
import { RUN_DIR_VARIABLE } from './spool.js'
import { wholeJestFiles, wholeVitestFiles } from './whole-files.js'

/**
 * The reporter of Vitest and Jest: gathers the rows that the matchers left and writes the CSV at the end of the run, one
 * line on stderr saying where. Runs without a comparison leave nothing and say nothing.
 *
 * Vitest calls it with `(options)`, Jest with `(globalConfig, options, context)`.
 */
export class GoldenLogitsReporter {
  private readonly options: ReporterOptions
  private root: string
  private runDir: string | undefined
  private isUpdate: boolean
  private failure: Error | undefined

  constructor(first?: object, second?: object) {
    const jest = isJestConfig(first) ? first : undefined
    this.options = checkReporterOptions(jest ? second : first)
    this.root = jest?.rootDir ?? process.cwd()
    this.isUpdate = jest?.updateSnapshot === 'all'
  }

  /** Vitest. */
  onInit(vitest: { config: { root: string; snapshotOptions?: { updateSnapshot?: string } } }): void {
    this.root = vitest.config.root
    this.isUpdate = vitest.config.snapshotOptions?.updateSnapshot === 'all'
    this.begin()
  }

  /** Vitest, before each run: in watch mode there are many. */
  onTestRunStart(): void {
    if (!this.runDir) this.begin()
  }

  /** Vitest. */
  onTestRunEnd(modules: readonly unknown[], _errors: readonly unknown[], reason: string): void {
    if (reason !== 'interrupted') this.tellObsolete(wholeVitestFiles(modules))
    this.flush()
  }

  /** Jest. */
  onRunStart(): void {
    this.begin()
    // Jest ends on Ctrl-C without an exit event. The signal is passed on, so that it ends as it would have.
    process.once('SIGINT', () => {
      this.flush()
      process.kill(process.pid, 'SIGINT')
    })
  }

  /** Jest. */
  onRunComplete(_contexts: unknown, results?: Parameters<typeof wholeJestFiles>[0]): void {
    this.tellObsolete(wholeJestFiles(results))
    this.flush()
  }

  /** Jest: makes the run fail. */
  getLastError(): Error | undefined {
    return this.failure
  }

  private begin(): void {
    this.runDir = newRunDir(this.root)
    process.env[RUN_DIR_VARIABLE] = this.runDir
    // Ends that skip the runner's last hook: Ctrl-C and out of memory in Vitest.
    process.once('exit', () => this.flush())
    const left = leftRunDirs(this.root)
    if (left.length === 0) return
    const dirs = left.map((dir) => relative(this.root, dir)).join(', ')
    say(`a run before this one ended without its report; its rows are in ${shown(dirs, 300)}`)
  }

  private tellObsolete(wholeFiles: readonly string[]): void {
    if (this.runDir === undefined) return
    const { text, fails } = handleObsolete(
      this.runDir,
      wholeFiles,
      this.options.obsolete ?? 'report',
      this.isUpdate,
      fromHere,
    )
    if (text === undefined) return
    say(text)
    if (!fails) return
    this.failure = new Error(`golden-logits: ${text}`)
    process.exitCode = 1
  }

  private flush(): void {
    const { runDir } = this
    this.runDir = undefined
    if (runDir === undefined || !existsSync(runDir)) return
    try {
      const { path, summary } = this.write(runDir)
      rmSync(runDir, { recursive: true })
      if (summary.comparisons > 0) say(summaryText(summary, shown(fromHere(path), 300)))
    } catch (error) {
      say(`the report cannot be written (${shown(String(error), 300)}); its rows are in ${shown(runDir, 300)}`)
    }
  }

  private write(runDir: string): { path: string; summary: CsvSummary } {
    for (let n = 1; ; n++) {
      const target = this.target(n)
      const summary = writeReport(runDir, target, this.root)
      if (summary) return { path: target.path, summary }
    }
  }

  /** @param n the second report of the same second gets a number behind its time */
  private target(n: number): CsvTarget {
    const name = `msit_cmp_report_${timestamp(new Date())}${n === 1 ? '' : `_${n}`}.csv`
    const { csv } = this.options
    if (csv === undefined) return { path: join(this.root, name), replace: false }
    const path = resolve(this.root, csv)
    const isFolder = /[\\/]$/.test(csv) || statSync(path, { throwIfNoEntry: false })?.isDirectory()
    return isFolder ? { path: join(path, name), replace: false } : { path, replace: true }
  }
}

function isJestConfig(value: object | undefined): value is { rootDir: string; updateSnapshot?: string } {
  return value !== undefined && value !== null && 'rootDir' in value && 'maxWorkers' in value
}

/** `YYYYMMDDHHMMSS`, UTC. */
function timestamp(date: Date): string {
  return date.toISOString().replace(/\D/g, '').slice(0, 14)
}

function summaryText({ rows, failed, unfinished, tornLines }: CsvSummary, path: string): string {
  const parts = [`${rows} ${rows === 1 ? 'row' : 'rows'}`, `${failed} failed`]
  if (unfinished > 0) parts.push(`${unfinished} unfinished ${unfinished === 1 ? 'comparison' : 'comparisons'}`)
  if (tornLines > 0) parts.push(`${tornLines} torn ${tornLines === 1 ? 'line' : 'lines'} left out`)
  return `${path} (${parts.join(', ')})`
}

function fromHere(path: string): string {
  const short = relative(process.cwd(), path)
  return short.startsWith('..') || isAbsolute(short) ? path : short
}

/** On stderr, at once: stdout may carry a runner's JSON, and a stream may not be flushed at exit. */
function say(text: string): void {
  writeSync(2, `golden-logits: ${text}\n`)
}
