import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { bin } from '../../formats/build/bin.js'
import { languageRow, random } from '../compact/pairs.js'

export type Runner = 'vitest' | 'jest'

export interface Run {
  code: number
  /** Everything printed, without colours. */
  out: string
  /** The runner's line on snapshots, its parts joined by `, `; `''` where it prints none. */
  summary: string
  /** What the package itself said on stderr. */
  said: string[]
}

const REPOSITORY = resolve(import.meta.dirname, '../../..')
const MODULES = join(REPOSITORY, 'node_modules')

/** A user's project in a temporary folder, with the built package installed and a real runner to run its tests. */
export class Project {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'goldens-e2e-')))
  readonly runner: Runner

  constructor(runner: Runner, reporter: object = {}) {
    this.runner = runner
    const installed = join(this.root, 'node_modules', 'golden-logits')
    for (const name of ['package.json', 'report.schema.json', 'dist']) {
      cpSync(join(REPOSITORY, name), join(installed, name), { recursive: true })
    }
    const { dependencies } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'))
    for (const name of [...Object.keys(dependencies), 'vitest']) {
      symlinkSync(join(MODULES, name), join(this.root, 'node_modules', name), 'dir')
    }
    const reporters = JSON.stringify(['default', ['golden-logits/reporter', { csv: 'out/report.csv', ...reporter }]])
    if (runner === 'vitest') {
      this.write('vitest.config.mjs', `export default { test: { reporters: ${reporters}, include: ['*.test.mjs'] } }\n`)
    } else {
      const config = `{ testMatch: ['<rootDir>/*.test.cjs'], transform: {}, reporters: ${reporters} }`
      this.write('jest.config.cjs', `module.exports = ${config}\n`)
    }
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true })
  }

  write(file: string, text: string | Uint8Array): void {
    const path = join(this.root, file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }

  delete(file: string): void {
    rmSync(join(this.root, file))
  }

  read(file: string): string {
    return readFileSync(join(this.root, file), 'utf8')
  }

  bytes(file: string): Buffer {
    return readFileSync(join(this.root, file))
  }

  /** A test file: `body` uses `expect` and `test`. */
  test(name: string, body: string): void {
    const imports = {
      vitest: "import { describe, expect, test } from 'vitest'\nimport 'golden-logits/vitest'\n",
      jest: "require('golden-logits/jest')\n",
    }
    this.write(this.testFile(name), imports[this.runner] + body)
  }

  testFile(name: string): string {
    return `${name}.test.${this.runner === 'vitest' ? 'mjs' : 'cjs'}`
  }

  /** A dump of float32 rows, one a step, made from a seed; `change` then moves it. */
  dump(
    name: string,
    change: (row: Float32Array, step: number) => void = () => {},
    { seed = 1, width = 500 } = {},
  ): void {
    for (let step = 0; step < 3; step++) {
      const row = languageRow(random(100 * seed + step), width)
      change(row, step)
      const data = Uint8Array.from(Buffer.from(row.buffer))
      const lines = { dims: `1,${width}`, '$Object.Length': String(data.length), '$Object.data': `0,${data.length}` }
      const file = `msit_dump_20250301_101500/tensors/0_77/${step}/67_LmHead/after/outtensor0.bin`
      this.write(join('dumps', name, file), bin(lines, data))
    }
  }

  /** Files below a folder, as paths with forward slashes. */
  files(folder: string): string[] {
    const path = join(this.root, folder)
    if (!existsSync(path)) return []
    return (readdirSync(path, { recursive: true }) as string[])
      .filter((file) => statSync(join(path, file)).isFile())
      .map((file) => relative(path, join(path, file)).split(sep).join('/'))
      .sort()
  }

  /** Runs the tests. `ci`: as on a build server, which writes no snapshots. */
  run(args: string[] = [], { ci = false } = {}): Run {
    const entry =
      this.runner === 'vitest' ? join(MODULES, 'vitest', 'vitest.mjs') : join(MODULES, 'jest', 'bin', 'jest.js')
    const own = this.runner === 'vitest' ? ['run'] : ci ? ['--ci'] : ['--ci=false']
    const { CI: _, GOLDEN_LOGITS_RUN_DIR: __, VITEST: ___, ...env } = process.env
    for (const name of Object.keys(env)) if (/^(VITEST|JEST|GITHUB)_/.test(name)) delete env[name]
    const { status, stdout, stderr } = spawnSync(process.execPath, [entry, ...own, ...args], {
      cwd: this.root,
      encoding: 'utf8',
      env: { ...env, NO_COLOR: '1', FORCE_COLOR: '0', NODE_ENV: 'test', ...(ci && { CI: '1' }) },
      timeout: 100_000,
    })
    const out = stdout + stderr
    return { code: status ?? -1, out, summary: summaryOf(out), said: out.match(/^golden-logits: .*$/gm) ?? [] }
  }
}

/** Vitest: `Snapshots  1 written` (one line for each count); Jest: `Snapshots:   1 written, 1 total`. */
function summaryOf(out: string): string {
  const lines = out.split('\n')
  const at = lines.findIndex((line) => /^\s*Snapshots\b/.test(line))
  if (at < 0) return ''
  const parts = [lines[at]!.replace(/^\s*Snapshots:?\s+/, '').trim()]
  for (let i = at + 1; /^\s{6,}\d+ \w+$/.test(lines[i] ?? ''); i++) parts.push(lines[i]!.trim())
  return parts.join(', ').replace(/, \d+ total$/, '')
}
