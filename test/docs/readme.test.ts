import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'

/**
 * Runs the README. Each block of code stands behind a comment that says how: `<!-- run: vitest -->` (a test file that
 * passes), `<!-- run: vitest, twice -->` (one that writes a golden first), `<!-- run: vitest, fails -->` (one that fails), `<!-- run: vitest config -->`,
 * `<!-- run: jest -->`, `<!-- run: jest config -->`, `<!-- run: node -->`.
 */
const ROOT = join(import.meta.dirname, '..', '..')
const README = readFileSync(join(ROOT, 'README.md'), 'utf8')

interface Block {
  line: number
  /** The comment before the block. */
  how: string
  language: string
  code: string
}

const BLOCK = /(?:<!-- (?<how>[^>]+) -->\n)?^```(?<language>\w*)\n(?<code>[\s\S]*?)^```$/gm
const blocks: Block[] = [...README.matchAll(BLOCK)].map(({ index, groups }) => ({
  line: README.slice(0, index).split('\n').length,
  how: groups!.how ?? '',
  language: groups!.language ?? '',
  code: groups!.code!,
}))
const config = blocks.find(({ how }) => how === 'run: vitest config')!.code

// Inside the package, so that its own name resolves to the build; removed at the end.
const projects: string[] = []
afterAll(() => {
  for (const project of projects) rmSync(project, { recursive: true })
})

/** A project with the dumps that the README speaks of; `npu` is the good or the degraded build. */
function project(build: 'npu' | 'npu-degraded', files: Record<string, string>): string {
  const folder = mkdtempSync(join(ROOT, 'test', '.readme-'))
  projects.push(folder)
  mkdirSync(join(folder, 'dumps'))
  cpSync(join(ROOT, 'examples', 'dumps', 'gpu'), join(folder, 'dumps', 'gpu'), { recursive: true })
  cpSync(join(ROOT, 'examples', 'dumps', build), join(folder, 'dumps', 'npu'), { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

function run(folder: string, args: string[], from = process.env): { status: number | null; output: string } {
  const { GOLDEN_LOGITS_RUN_DIR: _, ...env } = from
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...env, NO_COLOR: '1', FORCE_COLOR: undefined },
  })
  return { status, output: stdout + stderr }
}

const vitest = [join(ROOT, 'node_modules', 'vitest', 'vitest.mjs'), 'run']

describe('the README', () => {
  test('says of each block of code how to run it', () => {
    const silent = blocks.filter(({ language, how }) => /^(ts|js|mjs|cjs)$/.test(language) && !how.startsWith('run: '))
    expect(silent.map(({ line }) => line)).toEqual([])
    expect(blocks.length).toBeGreaterThan(5)
  })

  for (const { line, how, code } of blocks) {
    if (how === 'run: vitest') {
      test(`line ${line}: a test that passes`, () => {
        const folder = project('npu', { 'readme.test.ts': code, 'vitest.config.ts': config })
        const { status, output } = run(folder, vitest)
        expect(output).toContain('golden-logits: msit_cmp_report_')
        expect(status, output).toBe(0)
      })
    } else if (how === 'run: vitest, twice') {
      test(`line ${line}: a test that writes a golden, and passes with it`, () => {
        const folder = project('npu', { 'readme.test.ts': code, 'vitest.config.ts': config })
        const { CI: _, ...env } = process.env
        const first = run(folder, vitest, env)
        expect(first.output).toMatch(/Snapshots {2}1 written/)
        const second = run(folder, vitest, env)
        expect(second.output).toContain('golden-logits: msit_cmp_report_')
        expect([first.status, second.status], second.output).toEqual([0, 0])
      })
    } else if (how === 'run: vitest, fails') {
      test(`line ${line}: a test that fails, and what it prints`, () => {
        const folder = project('npu-degraded', { 'readme.test.ts': code, 'vitest.config.ts': config })
        const { status, output } = run(folder, vitest)
        const printed = blocks.find((block) => block.how === 'printed by the test above')!
        expect(output).toContain(printed.code)
        expect(status).toBe(1)
      })
    } else if (how === 'run: jest') {
      test(`line ${line}: a test that passes in Jest`, () => {
        const jestConfig = blocks.find((block) => block.how === 'run: jest config')!.code
        const folder = project('npu', { 'readme.test.js': code, 'jest.config.js': jestConfig, 'package.json': '{}' })
        // A folder with a package.json is a package of its own, which finds this one as an installed one.
        mkdirSync(join(folder, 'node_modules'))
        symlinkSync(ROOT, join(folder, 'node_modules', 'golden-logits'), 'junction')
        const { status, output } = run(folder, [join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js')])
        expect(output).toContain('golden-logits: logits.csv (12 rows, 0 failed)')
        expect(status, output).toBe(0)
      })
    } else if (how === 'run: node') {
      test(`line ${line}: a script`, () => {
        const folder = project('npu', { 'readme.mjs': code })
        const { status, output } = run(folder, ['readme.mjs'])
        expect(status, output).toBe(0)
      })
    }
  }
})
