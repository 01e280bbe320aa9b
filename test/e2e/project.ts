import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { removeFolder } from '../remove-folder.js'

const ROOT = join(import.meta.dirname, '../..')
const PROJECTS = join(ROOT, 'test/projects')
const require = createRequire(import.meta.url)

/** Where reports go by default. */
export const REPORTS = 'golden-logits-report'

/** How a runner ended, and what it printed. */
export interface Run {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/** A copy of a fixture project that a test may write into. It lies within this package, which it finds by its name. */
export class Project {
  readonly root: string
  private readonly folder: string
  private readonly started: ChildProcess[] = []

  /** @param within where in a test file it is made: a hook has to remove it */
  constructor(name: string, within: 'test' | 'hook' = 'test') {
    mkdirSync(join(PROJECTS, '.run'), { recursive: true })
    this.folder = mkdtempSync(join(PROJECTS, '.run', `${name}-`))
    this.root = join(this.folder, name)
    cpSync(join(PROJECTS, name), this.root, { recursive: true })
    for (const file of ['dumps.mjs', 'dumps.cjs']) cpSync(join(PROJECTS, file), join(this.folder, file))
    if (within === 'test') onTestFinished(() => this.remove())
  }

  remove(): void {
    // The workers of a runner that was killed outlive it, and write. They are in its process group.
    for (const { pid } of this.started) if (pid !== undefined) killGroup(pid)
    removeFolder(this.folder)
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts)
  }

  /** What the root holds, beside the project itself: a run's leftovers. */
  made(): string[] {
    return readdirSync(this.root).filter((name) => name !== 'node_modules' && !/\.(?:[cm]?js|json)$/.test(name))
  }

  vitest(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Run> {
    return ended(this.start(join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs'), ['run', ...args], env))
  }

  start(script: string, args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
    const inherited = Object.fromEntries(
      // A runner within a runner must not take itself for a worker of the outer one.
      Object.entries(process.env).filter(
        ([name]) => !/^(?:VITEST|JEST|GITHUB|NODE_OPTIONS|GOLDEN_LOGITS|TEST$|DEV$|PROD$)/.test(name),
      ),
    )
    const child = spawn(process.execPath, [script, ...args], {
      // The leader of a process group, so that its workers can be ended with it.
      detached: process.platform !== 'win32',
      cwd: this.root,
      env: { ...inherited, NO_COLOR: '1', CI: '1', NODE_ENV: 'test', TREES: join(ROOT, 'test/fixtures/trees'), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.started.push(child)
    return child
  }

  /** The rows of a report, by column. Without a name: of the only one in the default folder. */
  report(name = `${REPORTS}/${this.reports()[0]}`): Row[] {
    return rowsOf(readFileSync(this.path(name), 'utf8'))
  }

  reports(folder = REPORTS): string[] {
    const path = this.path(folder)
    return existsSync(path)
      ? readdirSync(path).filter((name) => /^msit_cmp_report_\d{14}(?:_\d+)?\.csv$/.test(name))
      : []
  }
}

export const VITEST = join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs')
export const JEST = join(dirname(require.resolve('jest/package.json')), 'bin/jest.js')

function killGroup(leader: number): void {
  try {
    process.kill(process.platform === 'win32' ? leader : -leader, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

export function ended(child: ChildProcess): Promise<Run> {
  let stdout = ''
  let stderr = ''
  child.stdout!.setEncoding('utf8').on('data', (text) => (stdout += text))
  child.stderr!.setEncoding('utf8').on('data', (text) => (stderr += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

export async function existing(path: string): Promise<void> {
  for (let waited = 0; !existsSync(path); waited += 50) {
    if (waited > 60_000) throw new Error(`${path} does not appear`)
    await setTimeout(50)
  }
}

export type Row = Record<string, string>

/** RFC 4180, read independently of what wrote it. */
export function rowsOf(text: string): Row[] {
  const [header, ...records] = recordsOf(text)
  return records.map((cells) => {
    if (cells.length !== header!.length) throw new Error(`${cells.length} cells under ${header!.length} columns`)
    return Object.fromEntries(header!.map((name, i) => [name, cells[i]!]))
  })
}

export function recordsOf(text: string): string[][] {
  const records: string[][] = []
  let cells: string[] = []
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y
  while (cell.lastIndex < text.length) {
    const match = cell.exec(text)
    if (!match) throw new Error(`no CSV: ${text.slice(cell.lastIndex, cell.lastIndex + 80)}`)
    cells.push(match[1]?.replaceAll('""', '"') ?? match[2]!)
    if (match[3] === ',') continue
    records.push(cells)
    cells = []
  }
  return records
}
