import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ended, JEST, Project, type Run } from './project.js'

const GITHUB = { GITHUB_ACTIONS: 'true' }

/** The workflow commands of errors, decoded. */
function errorsOf({ stdout, stderr }: Run) {
  const lines = `${stdout}\n${stderr}`.match(/^::error .*$/gm) ?? []
  return lines.map((line) => {
    const [, properties, message] = /^::error (.*?)::(.*)$/.exec(line)!
    const decode = (text: string) => decodeURIComponent(text)
    const entries = properties!.split(',').map((part) => part.split('=') as [string, string])
    return { ...Object.fromEntries(entries.map(([name, value]) => [name, decode(value)])), message: decode(message!) }
  }) as { file: string; line?: string; title: string; message: string }[]
}

/** Twelve tests that fail, each by more than the one before, and one that cannot compare. */
const MANY = `
  const row = (add) => Float32Array.from({ length: 64 }, (_, id) => 9 * Math.sin(id) + (id === 3 ? add : 0))
  for (let n = 1; n <= 12; n++) {
    test('fails ' + n + ', %', () => { expect(logitsOf([row(3 * n)])).toMatchGoldenLogits(logitsOf([row(0)]), { dtype: 'bf16' }) })
  }
  test('no dump', () => { expect('nowhere').toMatchGoldenLogits(logitsOf([row(0)])) })
`

test.each(['vitest', 'jest'] as const)(
  'of many errors, GitHub gets the worst ten from %s, and the number of others',
  async (runner) => {
    const project = new Project(runner)
    const file = project.path(runner === 'vitest' ? 'many.test.mjs' : 'many.test.cjs')
    const imports =
      runner === 'vitest'
        ? "import 'golden-logits/vitest'\nimport { logitsOf } from 'golden-logits'\nimport { expect, test } from 'vitest'\n"
        : "require('golden-logits/jest')\nconst { logitsOf } = require('golden-logits')\n"
    writeFileSync(file, imports + MANY)
    const run = await (runner === 'vitest'
      ? project.vitest(['many'], GITHUB)
      : ended(project.start(JEST, ['--testPathPatterns', 'many'], GITHUB)))
    const worst = Array.from({ length: 9 }, (_, i) => `fails ${12 - i}, %`)
    expect(errorsOf(run).map(({ title }) => title)).toEqual(['no dump', ...worst])
    const notices = `${run.stdout}\n${run.stderr}`.match(/^::notice .*$/gm)
    expect(notices).toEqual([
      expect.stringMatching(/^::notice title=golden-logits::3 more errors of tests that compare logits/),
    ])
  },
)

describe.each(['vitest', 'jest'] as const)('on GitHub under %s', (runner) => {
  const file = runner === 'vitest' ? 'basics.test.mjs' : 'basics.test.cjs'
  const run = (project: Project, env: NodeJS.ProcessEnv) =>
    runner === 'vitest'
      ? project.vitest(['basics'], env)
      : ended(project.start(JEST, ['--testPathPatterns', 'basics'], env))

  test('a failing comparison is an error at its line, with the message whole', async () => {
    const project = new Project(runner)
    const errors = errorsOf(await run(project, GITHUB))
    const fails = errors.filter(({ title }) => title === 'fails')
    expect(fails).toHaveLength(1)
    const [{ file: path, line, message }] = fails as [(typeof errors)[number]]
    expect(path).toBe(project.path(file))
    expect(readFileSync(path, 'utf8').split('\n')[Number(line) - 1]).toContain('toMatchGoldenLogits(')
    expect(message).toContain('First token over threshold: token 3     (12 tokens compared, 1 over, 0 missing)')
    expect(message).toMatch(/same top-1 +91\.7 ± 8\.33 % of 12$/)
    // Tests that pass have none, also if a comparison in them does not hold.
    const titles = errors.map(({ title }) => title)
    expect(titles).not.toContain('passes')
    expect(titles).not.toContain('fails as it should')
    expect(titles).not.toContain('polled')
    expect(titles).toContain('misuse')
  })

  test('nothing is printed elsewhere, or beside the own reporter of the runner', async () => {
    const project = new Project(runner)
    expect(errorsOf(await run(project, {}))).toEqual([])
    const config = project.path(runner === 'vitest' ? 'vitest.config.mjs' : 'jest.config.cjs')
    writeFileSync(config, readFileSync(config, 'utf8').replaceAll("['default',", "['default', 'github-actions',"))
    const errors = errorsOf(await run(project, GITHUB))
    expect(errors.filter(({ title }) => /\bfails$/.test(title))).toHaveLength(1)
  })
})

test('a step summary that is full is left as it is, and the run says so', async () => {
  const project = new Project('vitest')
  const summary = project.path('summary.md')
  const full = `${'x'.repeat(2 ** 20 - 100)}\n`
  writeFileSync(summary, full)
  const { stderr } = await project.vitest(['basics', '-t', 'passes'], { GITHUB_STEP_SUMMARY: summary })
  expect(readFileSync(summary, 'utf8')).toBe(full)
  expect(stderr).toContain('golden-logits: the step summary of GitHub is left out: ')
  writeFileSync(summary, 'x\n')
  expect((await project.vitest(['basics', '-t', 'passes'], { GITHUB_STEP_SUMMARY: summary })).stderr).not.toContain(
    'left out',
  )
  expect(readFileSync(summary, 'utf8')).toMatch(/^x\n### golden-logits: ✅/)
})
