import { describe, expect, test } from 'vitest'
import { snapshotName } from '../../../src/snapshots/names.js'
import { Project, type Runner } from './project.js'

const OPTIONS = `{ dtype: 'fp16', fidelity: 'compact' }`

/** A retried test: `jest.retryTimes` in Jest, an option of the test in Vitest. */
function retried(runner: Runner, name: string, body: string, retry = 1): string {
  return runner === 'jest'
    ? `jest.retryTimes(${retry})\ntest('${name}', () => { ${body} })\n`
    : `test('${name}', { retry: ${retry} }, () => { ${body} })\n`
}

/** Runs a story in a project with the dumps `good`, `bad` and `other`, all with different logits. */
function story(runner: Runner, tell: (project: Project, folder: string) => void): void {
  const project = new Project(runner)
  try {
    for (const [i, name] of ['good', 'bad', 'other'].entries()) project.dump(name, () => {}, { seed: i + 1 })
    tell(project, `__golden__/${project.testFile('model')}`)
  } finally {
    project.remove()
  }
}

/** The dumps that a snapshot says it was made from. */
function sourcesOf(text: string): string[] {
  return [...new Set(text.match(/"dumps\/\w+/g))].map((source) => source.slice('"dumps/'.length))
}

describe.each<Runner>(['vitest', 'jest'])('%s', (runner) => {
  test('what a failed attempt wrote is withdrawn when the test is retried', () => {
    story(runner, (project, folder) => {
      const file = `${folder}/${snapshotName('a', 1, '')}`
      const flaky = `let n = 0\n${retried(
        runner,
        'a',
        `n++; expect('dumps/' + (n === 1 ? 'bad' : 'good')).toMatchLogitsSnapshot(${OPTIONS}); if (n === 1) throw new Error('flaky')`,
      )}`
      project.test('model', flaky)
      const run = project.run()
      expect([run.code, run.summary]).toEqual([0, '1 written'])
      expect(run.said.filter((line) => line.includes('snapshot'))).toEqual([
        expect.stringMatching(/^golden-logits: snapshot written: .* \(3 tokens, compact, [\d.]+ kB\)$/),
        expect.stringMatching(
          /^golden-logits: snapshot withdrawn: .* \(test 'a' failed after writing it, and is retried\)$/,
        ),
        expect.stringMatching(/^golden-logits: snapshot written: /),
      ])
      expect(sourcesOf(project.read(file))).toEqual(['good'])
      const written = project.read(file)
      // In CI, the failed attempt leaves a candidate, which is withdrawn, too.
      expect(project.run([], { ci: true }).code).toBe(0)
      expect(project.files('.golden-logits')).toEqual(['.gitignore'])
      // An update: the snapshot that the failed attempt replaced is restored.
      expect(project.run(['-u']).code).toBe(0)
      expect(project.read(file)).toBe(written)
      expect(project.files(folder)).toEqual([snapshotName('a', 1, '')])
      expect(project.files('.golden-logits')).toEqual(['.gitignore'])
      // The retry does not reach the matcher.
      project.delete(file)
      const early = `let n = 0\n${retried(runner, 'a', `n++; if (n === 1) expect('dumps/bad').toMatchLogitsSnapshot(${OPTIONS}); if (n === 1) throw new Error('flaky')`)}`
      project.test('model', early)
      expect(project.run().code).toBe(0)
      expect(project.files(folder)).toEqual([])
      // The last attempt is not retried: the runners keep what it wrote, too.
      project.test(
        'model',
        early.replace('if (n === 1) throw', 'if (n === 1 || n === 2) throw').replace('if (n === 1) expect', 'expect'),
      )
      expect(project.run().code).toBe(1)
      expect(project.files(folder)).toEqual([snapshotName('a', 1, '')])
    })
  })

  test('full snapshots: an update that is withdrawn restores both files', () => {
    story(runner, (project, folder) => {
      const snap = `toMatchLogitsSnapshot({ dtype: 'fp16' })`
      project.test('model', `test('a', () => { expect('dumps/good').${snap} })\n`)
      expect(project.run().code).toBe(0)
      const files = project.files(folder)
      expect(files).toHaveLength(2)
      const before = files.map((name) => project.bytes(`${folder}/${name}`))
      project.test(
        'model',
        `let n = 0\n${retried(runner, 'a', `n++; if (n === 1) { expect('dumps/bad').${snap}; throw new Error('flaky') }; if (n === 2) throw new Error('flaky'); expect('dumps/good').${snap}`, 2)}`,
      )
      const run = project.run(['-u'])
      expect(run.code).toBe(0)
      expect(run.said.join('\n')).toMatch(/snapshot updated: [\s\S]*snapshot withdrawn: /)
      expect(project.files(folder)).toEqual(files)
      expect(files.map((name) => project.bytes(`${folder}/${name}`).equals(before[files.indexOf(name)]!))).toEqual([
        true,
        true,
      ])
    })
  })

  test('two tests that share a snapshot must have the same logits, also in an update', () => {
    story(runner, (project) => {
      const both = (second: string) =>
        `test('A', () => { expect('dumps/good').toMatchLogitsSnapshot({ dtype: 'fp16', name: 'shared' }) })
test('B', () => { expect('dumps/${second}').toMatchLogitsSnapshot({ dtype: 'fp16', name: 'shared' }) })\n`
      const refusal =
        /The snapshot was (written|matched) by test 'A' in this run, and this dump does not match it: token 0: KL/
      project.test('model', both('other'))
      for (const args of [[], ['-u'], ['-u']]) {
        const run = project.run(args)
        expect(run.code).toBe(1)
        expect(run.out).toMatch(refusal)
        expect(run.out).toMatch(/Give each test its own option name/)
        expect(run.said.join('\n')).toMatch(/report\.csv \((?:3|6) rows, 3 failed\)/)
      }
      project.test('model', both('good'))
      for (const args of [['-u'], []]) expect(project.run(args).code).toBe(0)
      // Both have new logits, and the same: the first one updates the snapshot.
      project.test('model', both('bad').replace('dumps/good', 'dumps/bad'))
      expect(project.run(['-u']).code).toBe(0)
      expect(project.run([], { ci: true }).code).toBe(0)
    })
  })

  test("'a > b' and the test b of suite a have one file name: the second fails", () => {
    story(runner, (project, folder) => {
      project.test(
        'model',
        `test('a > b', () => { expect('dumps/good').toMatchLogitsSnapshot(${OPTIONS}) })
describe('a', () => { test('b', () => { expect('dumps/good').toMatchLogitsSnapshot(${OPTIONS}) }) })\n`,
      )
      for (const args of [[], ['-u']]) {
        const run = project.run(args)
        expect(run.code).toBe(1)
        expect(run.out).toMatch(
          /the snapshot was (written|matched) by test 'a > b' in this run, and test 'a b' gives the same file name: rename one/,
        )
        expect(run.out).toMatch(/1 failed/)
      }
      expect(project.files(folder)).toEqual([snapshotName('a b', 1, '')])
    })
  })

  test('tests of the same name are numbered consecutively, also when one is retried', () => {
    story(runner, (project, folder) => {
      const first = `test('a', () => { expect('dumps/good').toMatchLogitsSnapshot(${OPTIONS}) })\n`
      const second = retried(
        runner,
        'a',
        `n++; for (const d of ['other', 'bad']) expect('dumps/' + d).toMatchLogitsSnapshot(${OPTIONS}); if (n === 1) throw new Error('flaky')`,
      )
      project.test('model', `let n = 0\n${first}${second}`)
      expect(project.run().code).toBe(0)
      expect([1, 2, 3].flatMap((n) => sourcesOf(project.read(`${folder}/${snapshotName('a', n, '')}`)))).toEqual([
        'good',
        'other',
        'bad',
      ])
      expect(project.files(folder)).toHaveLength(3)
      expect(project.run([], { ci: true }).code).toBe(0)
    })
  })

  test('two projects that run one test file share its snapshots', () => {
    story(runner, (project, folder) => {
      const engines = (cpu: string, npu: string) => {
        const reporters = `reporters: ['default', ['golden-logits/reporter', { csv: 'out/report.csv' }]]`
        if (runner === 'vitest') {
          const one = (name: string, dump: string) =>
            `{ extends: true, test: { name: '${name}', env: { DUMP: '${dump}' }, include: ['*.test.mjs'] } }`
          project.write(
            'vitest.config.mjs',
            `export default { test: { ${reporters}, projects: [${one('cpu', cpu)}, ${one('npu', npu)}] } }\n`,
          )
        } else {
          const one = (name: string, dump: string) =>
            `{ displayName: '${name}', rootDir: __dirname, globals: { DUMP: '${dump}' }, testMatch: ['<rootDir>/*.test.cjs'], transform: {} }`
          project.write(
            'jest.config.cjs',
            `module.exports = { ${reporters}, projects: [${one('cpu', cpu)}, ${one('npu', npu)}] }\n`,
          )
        }
      }
      const dump = runner === 'vitest' ? 'process.env.DUMP' : 'DUMP'
      project.test('model', `test('a', () => { expect('dumps/' + ${dump}).toMatchLogitsSnapshot(${OPTIONS}) })\n`)
      engines('good', 'good')
      for (const [args, ci] of [
        [['-u'], false],
        [[], true],
      ] as const) {
        expect(project.run([...args], { ci }).code).toBe(0)
      }
      engines('bad', 'other')
      const run = project.run(['-u'])
      expect(run.code).toBe(1)
      expect(run.out).toMatch(
        /The snapshot was written by another project( '[cn]pu')? in this run, and this dump does not match it: token 0: KL/,
      )
      expect(run.out).toMatch(/each project its own option variant/)
      expect(project.files(folder)).toEqual([snapshotName('a', 1, '')])
    })
  })

  if (runner === 'vitest') {
    test('a repetition compares with what the repetition before it wrote', () => {
      story(runner, (project, folder) => {
        const repeated = (second: string) =>
          `let n = 0\ntest('a', { repeats: 1 }, () => { n++; expect('dumps/' + (n === 1 ? 'good' : '${second}')).toMatchLogitsSnapshot(${OPTIONS}) })\n`
        project.test('model', repeated('bad'))
        expect(project.run().code).toBe(1)
        expect(sourcesOf(project.read(`${folder}/${snapshotName('a', 1, '')}`))).toEqual(['good'])
        project.test('model', repeated('good'))
        expect(project.run().code).toBe(0)
      })
    })
  }
})
