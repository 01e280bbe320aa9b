import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { ERROR_CODES } from '../../src/errors.js'
import { DEFAULT_BUDGETS } from '../../src/io/budgets.js'
import { METRICS } from '../../src/metrics/table.js'

/**
 * Runs the README and the pages in docs/. The comment before each block of code says how:
 *
 * - `<!-- run: vitest -->`: a test file that passes
 * - `<!-- run: vitest, twice -->`: one that writes a snapshot first
 * - `<!-- run: vitest, fails -->`: one that fails, and prints the block after it, marked `<!-- printed by the test above -->`
 * - `<!-- run: vitest config -->`: the configuration of all of these
 * - `<!-- run: jest -->`, with the configuration in `<!-- run: jest config -->`
 * - `<!-- run: node -->`: a script
 * - `<!-- guide: … -->`: a step of the guide, which guide.test.ts follows
 * - `<!-- shown: FILE -->`: a part of that file of the repository, which `npm run release:check -- examples` runs
 */
const ROOT = join(import.meta.dirname, '..', '..')
const DOCS = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'))
const PAGES = ['README.md', ...DOCS.map((name) => `docs/${name}`)]

interface Block {
  line: number
  /** The comment before the block. */
  how: string
  language: string
  code: string
}

interface Page {
  /** From the root of the repository. */
  name: string
  text: string
  blocks: Block[]
}

const BLOCK = /(?:<!-- (?<how>[^>]+) -->\n)?^```(?<language>\w*)\n(?<code>[\s\S]*?)^```$/gm

const pages = PAGES.map((name): Page => {
  const text = readFileSync(join(ROOT, name), 'utf8')
  const blocks = [...text.matchAll(BLOCK)].map(({ index, groups }) => ({
    line: text.slice(0, index).split('\n').length,
    how: groups!.how ?? '',
    language: groups!.language ?? '',
    code: groups!.code!,
  }))
  return { name, text, blocks }
})

/** The code of the only block that is marked so. */
function codeOf(how: string): string {
  const [block, ...others] = pages.flatMap(({ blocks }) => blocks).filter((candidate) => candidate.how === how)
  if (!block || others.length > 0) throw new Error(`expected exactly one block marked '${how}'`)
  return block.code
}

const vitestConfig = codeOf('run: vitest config')

// Inside the package, so that its own name resolves to the build; removed at the end.
const projects: string[] = []
afterAll(() => {
  for (const project of projects) rmSync(project, { recursive: true })
})

/** A project with the dumps that the pages name; `npu` is the good or the degraded build. */
function project(build: 'npu' | 'npu-degraded', files: Record<string, string>): string {
  const folder = mkdtempSync(join(ROOT, 'test', '.readme-'))
  projects.push(folder)
  mkdirSync(join(folder, 'dumps'))
  cpSync(join(ROOT, 'examples', 'dumps', 'gpu'), join(folder, 'dumps', 'gpu'), { recursive: true })
  cpSync(join(ROOT, 'examples', 'dumps', 'gpu'), join(folder, 'dumps', 'gpu-again'), { recursive: true })
  cpSync(join(ROOT, 'examples', 'dumps', build), join(folder, 'dumps', 'npu'), { recursive: true })
  for (const side of ['gpu', 'npu']) {
    for (let text = 1; text <= 9; text++) {
      cpSync(join(ROOT, 'examples', 'dumps', side), join(folder, 'release', side, `${text}`), { recursive: true })
    }
  }
  const step = join(folder, 'dumps/gpu/msit_dump_20250301_101500/torch_tensors/cuda0_66245/3/root.lm_head/output.pth')
  for (const sample of ['gpu/sample_00000', 'gpu/sample_00001', 'npu/sample_00000', 'npu/sample_00001']) {
    mkdirSync(join(folder, 'suite', sample), { recursive: true })
    for (const token of [0, 1]) cpSync(step, join(folder, 'suite', sample, `logits_${token}.pth`))
  }
  for (const name of ['golden.jsonl', 'maxtext.jsonl'])
    cpSync(join(ROOT, 'test/fixtures/maxtext', name), join(folder, name))
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

/** What each mark runs; the marks that are missing here belong to the block of another mark. */
const RUNS: Readonly<Record<string, (block: Block, page: Page) => void>> = {
  'run: vitest': ({ code }) => {
    const folder = project('npu', { 'page.test.ts': code, 'vitest.config.ts': vitestConfig })
    const { status, output } = run(folder, vitest)
    expect(output).toMatch(/golden-logits: \/.*\/golden-logits-report\/msit_cmp_report_/)
    expect(status, output).toBe(0)
  },
  'run: vitest, twice': ({ code }) => {
    const folder = project('npu', { 'page.test.ts': code, 'vitest.config.ts': vitestConfig })
    const { CI: _, ...env } = process.env
    const first = run(folder, vitest, env)
    expect(first.output).toMatch(/Snapshots {2}1 written/)
    const second = run(folder, vitest, env)
    expect(second.output).toMatch(/golden-logits: \/.*\/golden-logits-report\/msit_cmp_report_/)
    expect([first.status, second.status], second.output).toEqual([0, 0])
  },
  'run: vitest, fails': (block, { blocks }) => {
    const folder = project('npu-degraded', { 'page.test.ts': block.code, 'vitest.config.ts': vitestConfig })
    const { status, output } = run(folder, vitest)
    const printed = blocks[blocks.indexOf(block) + 1]!
    expect(printed.how).toBe('printed by the test above')
    expect(output).toContain(printed.code)
    expect(status).toBe(1)
  },
  'run: jest': ({ code }) => {
    const config = codeOf('run: jest config')
    const folder = project('npu', { 'page.test.js': code, 'jest.config.js': config, 'package.json': '{}' })
    // A folder with a package.json is a separate package, which finds this one only if it is installed there.
    mkdirSync(join(folder, 'node_modules'))
    symlinkSync(ROOT, join(folder, 'node_modules', 'golden-logits'), 'junction')
    const { status, output } = run(folder, [join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js')])
    expect(output).toMatch(/golden-logits: \/.*\/logits\.csv \(12 rows, 0 failed\)/)
    expect(status, output).toBe(0)
  },
  'run: node': ({ code }) => {
    const { status, output } = run(project('npu', { 'page.mjs': code }), ['page.mjs'])
    expect(status, output).toBe(0)
  },
}
const CONFIGS = ['run: vitest config', 'run: jest config']

describe.each(pages)('$name', (page) => {
  const { name, text, blocks } = page

  test('every block of code is marked with a known way to run it', () => {
    const code = blocks.filter(({ language }) => /^(ts|js|mjs|cjs)$/.test(language))
    const unknown = code.filter(({ how }) => !(how in RUNS) && !CONFIGS.includes(how) && !/^(shown|guide): /.test(how))
    expect(unknown.map(({ line, how }) => `${name}:${line} ${how}`)).toEqual([])
    // Every mark stands directly before a block; otherwise its block would not run.
    expect(text.match(/<!-- run: /g) ?? []).toHaveLength(blocks.filter(({ how }) => how.startsWith('run: ')).length)
  })

  for (const block of blocks) {
    const runBlock = RUNS[block.how]
    if (runBlock) test(`line ${block.line} (${block.how})`, () => runBlock(block, page))
  }

  test('every block that shows a file is a part of it', () => {
    const shown = blocks.filter(({ how }) => how.startsWith('shown: '))
    const wrong = shown.filter(({ how, code }) => {
      return !readFileSync(join(ROOT, how.slice('shown: '.length)), 'utf8').includes(code)
    })
    expect(wrong.map(({ line, how }) => `${name}:${line} ${how}`)).toEqual([])
  })

  test('every link leads to a file, and every anchor to a heading', () => {
    const broken = linksOf(text).filter((link) => !isReachable(name, link))
    expect(broken).toEqual([])
  })

  test('prose has at most 120 columns', () => {
    const isTable = (line: string) => line.startsWith('|')
    const long = withoutCode(text)
      .split('\n')
      .filter((line) => line.length > 120 && !isTable(line))
    expect(long).toEqual([])
  })
})

describe('what the pages list', () => {
  test('every page in docs/ is linked from the README', () => {
    const linked = linksOf(pages[0]!.text).map((link) => link.split('#')[0])
    expect(linked).toEqual(expect.arrayContaining(DOCS.map((name) => `docs/${name}`)))
  })

  test('every budget, with its default', () => {
    const rows = new Map(tableRows('docs/file-safety.md').map(([key, value]) => [key!.replaceAll('`', ''), value!]))
    const listed = Object.keys(DEFAULT_BUDGETS).map((key) => [key, numberOf(rows.get(key) ?? '')])
    expect(Object.fromEntries(listed)).toEqual(DEFAULT_BUDGETS)
  })

  test('only error codes that exist', () => {
    const codes = tableRows('docs/file-safety.md')
      .flatMap(([first]) => first!.match(/(?<=`)[a-z]+(?:-[a-z]+)+(?=`)/g) ?? [])
      .filter((code) => !(ERROR_CODES as readonly string[]).includes(code))
    expect(codes).toEqual([])
  })

  test('every metric', () => {
    const listed = tableRows('docs/verdicts.md').flatMap(([first]) => first!.match(/(?<=`)[a-z_]+(?=`)/g) ?? [])
    expect(listed).toEqual(expect.arrayContaining(METRICS.map(({ csvName }) => csvName)))
  })
})

function withoutCode(text: string): string {
  return text.replace(BLOCK, '')
}

function linksOf(text: string): string[] {
  return [...withoutCode(text).matchAll(/\]\((?<link>[^)\s]+)\)/g)].map(({ groups }) => groups!.link!)
}

function isReachable(page: string, link: string): boolean {
  if (/^https?:/.test(link)) return true
  const [path, anchor] = link.split('#') as [string, string?]
  const target = path === '' ? join(ROOT, page) : resolve(ROOT, dirname(page), path)
  if (!existsSync(target)) return false
  const text = pages.find(({ name }) => name === relative(ROOT, target).replaceAll('\\', '/'))?.text
  return anchor === undefined || (text !== undefined && anchorsOf(text).includes(anchor))
}

/** The anchors that GitHub gives to the headings. No page has two headings of one name. */
function anchorsOf(text: string): string[] {
  return [...withoutCode(text).matchAll(/^#+ (?<title>.+)$/gm)].map(({ groups }) =>
    groups!
      .title!.toLowerCase()
      .replace(/[^\p{L}\p{N}_\- ]/gu, '')
      .replaceAll(' ', '-'),
  )
}

/** The cells of all tables of a page. */
function tableRows(name: string): string[][] {
  const { text } = pages.find((page) => page.name === name)!
  const lines = text.split('\n').filter((line) => line.startsWith('| '))
  return lines.map((line) =>
    line
      .slice(2, -2)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  )
}

const UNITS: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }

/** `16 MiB`, `1,000` or `2²⁸`. */
function numberOf(text: string): number {
  if (text === '2²⁸') return 2 ** 28
  const [number, unit] = text.replaceAll(',', '').split(' ') as [string, string?]
  return Number(number) * (unit === undefined ? 1 : UNITS[unit]!)
}
