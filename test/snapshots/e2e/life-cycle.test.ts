import { afterAll, describe, expect, test } from 'vitest'
import { snapshotName } from '../../../src/snapshots/names.js'
import { rowsOf } from '../../e2e/project.js'
import { Project, type Runner } from './project.js'

/** A test that compares the dump of the same name. */
function gate(name: string, options = `{ dtype: 'fp16' }`): string {
  return `test('${name}', () => { expect('dumps/${name}').toMatchLogitsSnapshot(${options}) })\n`
}

function snapshot(name: string, n = 1, variant = ''): string {
  return snapshotName(name, n, variant)
}

function move(row: Float32Array, to: (logit: number, id: number) => number): void {
  row.set(row.map(to))
}

/** Jest's summary also counts the snapshots that matched. */
function summaryOf(runner: Runner, text: string, passed: number): string {
  return runner === 'jest' ? `${text}, ${passed} passed` : text
}

const withRows = (file: string) => [file, `${file}.npz`]

// One project for each story: each test continues where the one before ended.
describe.each<Runner>(['vitest', 'jest'])('%s', (runner) => {
  describe('a snapshot', () => {
    const project = new Project(runner)
    afterAll(() => project.remove())
    const folder = `__golden__/${project.testFile('model')}`
    const path = `${folder}/${snapshot('npu')}`
    let first: string

    test('CI without a snapshot: fails, says what to do, leaves a candidate outside of the folder', () => {
      project.dump('npu')
      project.test('model', gate('npu'))
      const run = project.run([], { ci: true })
      expect(run.code).toBe(1)
      expect(run.summary).toBe('1 failed')
      expect(project.files('__golden__')).toEqual([])
      expect(project.files('.golden-logits')).toEqual(['.gitignore', ...withRows(`candidates/${path}`)])
      expect(run.out).toContain(`There is no snapshot to match: ${path}`)
      expect(run.out).toContain(`new logits   .golden-logits/candidates/${path}, which can replace the snapshot`)
      expect(run.out).toContain('Run the test on your machine, check the snapshot and commit it.')
    })

    test('new: written, and passes', () => {
      const run = project.run()
      expect(run.code).toBe(0)
      expect(run.summary).toBe('1 written')
      expect(project.files(folder)).toEqual(withRows(snapshot('npu')))
      first = project.read(path)
      expect(project.read(`.golden-logits/candidates/${path}`)).toBe(first)
    })

    test('unchanged: passes, locally and in CI, and changes no file', () => {
      for (const ci of [false, true]) {
        const run = project.run([], { ci })
        expect(run.code).toBe(0)
        expect(run.out).not.toMatch(/written|updated|obsolete|[1-9] failed/)
        expect(project.read(path)).toBe(first)
      }
      expect(project.read('out/report.csv').split('\n')).toHaveLength(1 + 3 + 1)
    })

    test('drifted within the limits: passes, and changes no file, not even with -u', () => {
      project.dump('npu', (row) => move(row, (x, i) => x + 1e-4 * (i % 2)))
      for (const args of [[], ['-u']]) {
        const run = project.run(args)
        expect(run.code).toBe(0)
        expect(run.out).not.toMatch(/written|updated/)
      }
      expect(project.files(folder)).toEqual(withRows(snapshot('npu')))
      expect(project.read(path)).toBe(first)
    })

    test('drifted over the limits: fails, names the token, changes no snapshot', () => {
      project.dump('npu', (row, step) => move(row, (x, i) => (step > 0 ? x + (i % 7) : x)))
      for (const ci of [false, true]) {
        const run = project.run([], { ci })
        expect(run.code).toBe(1)
        expect(run.summary).toBe('1 failed')
        expect(run.out).toContain('First token over threshold: token 1     (3 tokens compared, 2 over, 0 missing)')
        expect(run.out).toContain(`snapshot     ${path}`)
        expect(run.out).toContain('If the new logits are right, update the snapshot: run the test with -u.')
        expect(run.out.includes('new logits   .golden-logits/candidates')).toBe(ci)
        expect(project.read(path)).toBe(first)
      }
    })

    test('-u: rewritten, says what moved, passes from then on', () => {
      const run = project.run(['-u'])
      expect(run.code).toBe(0)
      expect(run.summary).toBe('1 updated')
      expect(run.said.join('\n')).toMatch(
        /snapshot updated: .*\(token 1: KL divergence \d[\d.]* is not below 0\.0001; .*2 of 3 tokens were over a threshold or not comparable, highest KL divergence from the old snapshot \d/,
      )
      expect(project.read(path)).not.toBe(first)
      expect(project.run([], { ci: true }).code).toBe(0)
    })

    test('broken: one error with advice, overwritten only by -u', () => {
      const good = project.read(path)
      const later = good.replace('golden 3\n', 'golden 7\n')
      const cases: [string, RegExp][] = [
        [good.slice(0, good.length / 2), /it has no checksum at its end: it was cut short; restore the snapshot/],
        [good.replace('top1 ', 'top1 1'), /its checksum is wrong: it was edited; restore the snapshot/],
        [later, /format 7, but this version of golden-logits reads formats up to 3; update the package/],
      ]
      for (const [text, message] of cases) {
        project.write(path, text)
        for (const ci of [false, true]) {
          const run = project.run([], { ci })
          expect(run.code).toBe(1)
          expect(run.out).toMatch(message)
          expect(project.read(path)).toBe(text)
        }
      }
      const run = project.run(['-u'])
      expect([run.code, run.summary]).toEqual([0, '1 updated'])
      expect(run.said.join('\n')).toMatch(/snapshot updated: .*format 7/)
      expect(project.read(path)).toBe(good)
    })

    test('of another vocabulary or model: an error, overwritten only by -u', () => {
      const before = project.read(path)
      project.dump('npu', () => {}, { width: 400 })
      const run = project.run()
      expect(run.code).toBe(1)
      expect(run.out).toMatch(/the snapshot has a vocabulary of 500, the dump one of 400; .*update the snapshot \(-u\)/)
      expect(project.read(path)).toBe(before)
      project.test('model', gate('npu', `{ dtype: 'fp16', provenance: { model: 'Tiny/One', device: 'A' } }`))
      expect(project.run(['-u']).summary).toBe('1 updated')
      project.test('model', gate('npu', `{ dtype: 'fp16', provenance: { model: 'Tiny/One', device: 'B' } }`))
      expect(project.run().code).toBe(0)
      project.test('model', gate('npu', `{ dtype: 'fp16', provenance: { model: 'Tiny/Two' } }`))
      const other = project.run()
      expect(other.code).toBe(1)
      expect(other.out).toMatch(/the snapshot is of model 'Tiny\/One', but the option provenance says 'Tiny\/Two'/)
    })
  })

  describe('several tests', () => {
    const project = new Project(runner)
    afterAll(() => project.remove())
    const folder = `__golden__/${project.testFile('model')}`

    test('each has its own snapshot, the second one of a test has number 2', () => {
      for (const [i, name] of ['a', 'b', 'c'].entries()) project.dump(name, () => {}, { seed: i + 1 })
      const twice = `test('c', () => { for (const d of ['a', 'b']) expect('dumps/' + d).toMatchLogitsSnapshot() })\n`
      project.test('model', gate('a') + gate('b') + twice)
      const run = project.run()
      expect([run.code, run.summary]).toEqual([0, '4 written'])
      expect(project.files(folder)).toEqual(
        [snapshot('a'), snapshot('b'), snapshot('c'), snapshot('c', 2)].flatMap(withRows).sort(),
      )
    })

    test('-t: the others are not obsolete', () => {
      const run = project.run(['-t', 'b'])
      expect(run.code).toBe(0)
      expect(run.said.join('\n')).not.toContain('obsolete')
    })

    test('skipped or failed: none of the file is obsolete', () => {
      project.test('model', gate('a') + gate('c').replace('test(', 'test.skip('))
      expect(project.run().said.join('\n')).not.toContain('obsolete')
      project.test('model', `${gate('a')}test('fails', () => { expect(1).toBe(2) })\n`)
      expect(project.run().said.join('\n')).not.toContain('obsolete')
    })

    test('renamed: a new snapshot, and the old one is obsolete', () => {
      const files = project.files(folder)
      project.test('model', `${gate('a') + gate('b').replace("test('b'", "test('renamed'")}test.todo('later')\n`)
      const run = project.run()
      expect([run.code, run.summary]).toEqual([0, summaryOf(runner, '1 written', 1)])
      expect(run.said.join('\n')).toContain(
        `3 obsolete snapshots, used by no test: ${folder}/${snapshot('b')}, ${folder}/${snapshot('c')}, ${folder}/${snapshot('c', 2)} (delete them, or run with -u`,
      )
      expect(project.files(folder)).toEqual([...files, ...withRows(snapshot('renamed'))].sort())
    })

    test('deleted: obsolete, and kept with -u, too', () => {
      const files = project.files(folder)
      project.test('model', gate('a'))
      const run = project.run(['-u'])
      expect(run.code).toBe(0)
      expect(run.said.join('\n')).toContain('4 obsolete snapshots, used by no test')
      expect(project.files(folder)).toEqual(files)
    })
  })

  describe("the reporter's option obsolete", () => {
    test.each(['remove', 'fail'] as const)('%s', (obsolete) => {
      const project = new Project(runner, { obsolete })
      try {
        const folder = `__golden__/${project.testFile('model')}`
        project.dump('a')
        project.dump('b')
        project.test('model', gate('a') + gate('b'))
        project.test('gone', gate('a'))
        expect(project.run().code).toBe(0)
        project.test('model', gate('a', `{ dtype: 'fp16', variant: ['npu', 'any'] }`))
        project.write(`${folder}/${snapshot('a', 1, 'gpu')}`, 'of another machine')
        const before = project.files('__golden__')
        for (const file of [project.testFile('gone')]) project.delete(file)
        const run = project.run()
        expect(run.code).toBe(obsolete === 'fail' ? 1 : 0)
        const both = `__golden__/${project.testFile('gone')}/${snapshot('a')}, ${folder}/${snapshot('b')}`
        expect(run.said.join('\n')).toContain(`2 obsolete snapshots, used by no test: ${both}`)
        expect(project.files('__golden__')).toEqual(before)
        const update = project.run(['-u'])
        if (obsolete === 'fail') expect(project.files('__golden__')).toEqual(before)
        else {
          expect(update.said.join('\n')).toContain(`2 obsolete snapshots removed: ${both}`)
          const left = [snapshot('a', 1, 'gpu'), ...withRows(snapshot('a'))].map(
            (f) => `${project.testFile('model')}/${f}`,
          )
          expect(project.files('__golden__')).toEqual(left.sort())
        }
      } finally {
        project.remove()
      }
    })
  })

  test('retried: finds its own snapshot again, and counts it once', () => {
    const project = new Project(runner)
    try {
      project.dump('a')
      const body = `let tries = 0
${runner === 'jest' ? 'jest.retryTimes(2)\n' : ''}test('a', ${runner === 'vitest' ? '{ retry: 2 }, ' : ''}() => {
  tries++
  expect('dumps/a').toMatchLogitsSnapshot({ dtype: 'fp16' })
  expect(tries).toBe(3)
  expect('dumps/a').toMatchLogitsSnapshot({ dtype: 'fp16' })
})\n`
      project.test('model', body)
      const run = project.run()
      expect([run.code, run.summary]).toEqual([0, '2 written'])
      expect(project.files('__golden__')).toEqual(
        [snapshot('a'), snapshot('a', 2)]
          .flatMap(withRows)
          .map((f) => `${project.testFile('model')}/${f}`)
          .sort(),
      )
    } finally {
      project.remove()
    }
  })

  // Vitest's global expect, and that of the test's context; Jest has the first alone.
  test.each(runner === 'vitest' ? ['expect', 'context.expect'] : ['expect'])(
    'concurrent, %s: each test has its own snapshot',
    (own) => {
      const project = new Project(runner)
      try {
        for (const [i, name] of ['a', 'b', 'c'].entries()) project.dump(name, () => {}, { seed: i + 1 })
        const wait = (
          name: string,
          ms: number,
        ) => `test.concurrent('${name}', async (${own === 'expect' ? '' : 'context'}) => {
  await new Promise((done) => setTimeout(done, ${ms}))
  ${own}('dumps/${name}').toMatchLogitsSnapshot({ dtype: 'fp16' })
  await new Promise((done) => setTimeout(done, ${ms}))
  ${own}('dumps/${name}').toMatchLogitsSnapshot({ dtype: 'fp16' })
})\n`
        project.test('model', wait('a', 30) + wait('b', 20) + wait('c', 10))
        const run = project.run()
        expect([run.code, run.summary]).toEqual([0, '6 written'])
        const names = ['a', 'b', 'c'].flatMap((name) => [snapshot(name), snapshot(name, 2)])
        expect(project.files('__golden__')).toEqual(
          names
            .flatMap(withRows)
            .map((file) => `${project.testFile('model')}/${file}`)
            .sort(),
        )
        for (const name of ['a', 'b', 'c']) {
          const text = project.read(`__golden__/${project.testFile('model')}/${snapshot(name)}`)
          expect(text).toContain(`test "${name}"`)
          expect(text).toContain(`"dumps/${name}/msit_dump`)
        }
        expect(project.run([], { ci: true }).code).toBe(0)
      } finally {
        project.remove()
      }
    },
  )

  test('compact: bounds decide, and the message shows them', () => {
    const project = new Project(runner)
    try {
      const options = `{ dtype: 'fp16', fidelity: 'compact', k: 32 }`
      const folder = `__golden__/${project.testFile('model')}`
      project.dump('a')
      project.test('model', gate('a', options))
      expect(project.run().summary).toBe('1 written')
      expect(project.files(folder)).toEqual([snapshot('a')])
      project.dump('a', (row) => move(row, (x, i) => x + 1e-4 * (i % 2)))
      expect(project.run([], { ci: true }).code).toBe(0)
      expect(project.read('out/report.csv')).toMatch(/"KL divergence lies in \[.*\], cosine similarity in \[.*\]"/)
      project.dump('a', (row, step) => move(row, (x, i) => (step === 2 ? x + (i % 7) : x)))
      const run = project.run()
      expect(run.code).toBe(1)
      expect(run.out).toMatch(/First token over threshold: token 2 {5}\(3 tokens compared, 1 over, 0 missing\)/)
      expect(run.out).toMatch(
        / {2}KL divergence is at least 0\.\d+, not below 0\.0001; cosine similarity is at most 0\.\d+/,
      )
      expect(run.out).toMatch(/ {2}top-1 {15}/)
      expect(run.out).toMatch(/Tokens 0 to 1 agree in top-1/)
      const update = project.run(['-u'])
      expect(update.said.join('\n')).toMatch(
        /1 of 3 tokens were over a threshold or not comparable, highest KL .* old snapshot at least 0\.\d/,
      )
      project.test('model', gate('a', `{ dtype: 'fp16', fidelity: 'full' }`))
      const other = project.run()
      expect(other.code).toBe(1)
      expect(other.out).toMatch(
        /the snapshot has fidelity 'compact', but the option fidelity is 'full'; update the snapshot/,
      )
      expect(project.run(['-u']).summary).toBe('1 updated')
      expect(project.files(folder)).toEqual(withRows(snapshot('a')))
    } finally {
      project.remove()
    }
  })

  test('variants: the first that exists is used, and a new snapshot is for the first of the list', () => {
    const project = new Project(runner)
    try {
      const folder = `__golden__/${project.testFile('model')}`
      const variants = (...names: string[]) => `{ dtype: 'fp16', variant: ${JSON.stringify(names)} }`
      project.dump('a')
      project.test('model', gate('a'))
      project.run()
      project.test('model', gate('a', variants('npu-910b', 'npu')))
      expect(project.run([], { ci: true }).code).toBe(0)
      project.dump('a', (row) => move(row, (x, i) => x + (i % 7)))
      const update = project.run(['-u'])
      expect(update.summary).toBe('1 written')
      expect(update.said.join('\n')).toMatch(/snapshot written next to the one of another variant/)
      expect(project.files(folder)).toEqual(
        [...withRows(snapshot('a')), ...withRows(snapshot('a', 1, 'npu-910b'))].sort(),
      )
      expect(project.run([], { ci: true }).code).toBe(0)
      project.test('model', gate('a', variants('npu')))
      expect(project.run([], { ci: true }).code).toBe(1)
    } finally {
      project.remove()
    }
  })

  test('a dump that cannot be stored, and misuse', () => {
    const project = new Project(runner)
    try {
      project.dump('a', (row, step) => {
        if (step === 2) row[3] = Number.NaN
      })
      project.test('model', gate('a'))
      const run = project.run()
      expect([run.code, run.summary]).toEqual([1, '1 failed'])
      expect(run.out).toMatch(
        /No golden snapshot was written, because token 2 of the dump cannot be stored: it holds 1 NaN, first at/,
      )
      expect(project.files('__golden__')).toEqual([])
      project.dump('a')
      project.test('model', gate('a', `{ dtype: 'fp16', steps: [0, 5] }`))
      expect(project.run().out).toMatch(/the dump does not have token 5, which the option steps lists/)
      project.test('model', gate('a').replace(').toMatch', ').not.toMatch'))
      expect(project.run().out).toMatch(/toMatchLogitsSnapshot cannot be used with \.not/)
    } finally {
      project.remove()
    }
  })

  test('every error leaves a row that says what failed, and a snapshot that is written leaves none', () => {
    const project = new Project(runner)
    try {
      for (const name of ['not', 'typo', 'new']) project.dump(name)
      const tests = [
        gate('not').replace(').toMatch', ').not.toMatch'),
        gate('typo', "{ dtyp: 'fp16' }"),
        gate('nowhere'),
        gate('new'),
      ]
      project.test('model', tests.join(''))
      expect(project.run().code).toBe(1)
      const rows = rowsOf(project.read('out/report.csv'))
      const facts = rows.map(({ test_name, verdict, pass, expectation }) => [test_name, verdict, pass, expectation])
      expect(facts).toEqual(['not', 'nowhere', 'typo'].map((name) => [name, 'error', 'false', 'error']))
      expect(rows[0]!.reason).toBe(
        'toMatchLogitsSnapshot cannot be used with .not, which has no meaning for a snapshot',
      )
      expect(rows[0]!.is_not).toBe('true')
      expect(rows[1]!.reason).toMatch(/no such file or folder.*dumps\/nowhere/)
      expect(rows[2]!.reason).toMatch(/dtyp/)
    } finally {
      project.remove()
    }
  })

  if (runner === 'vitest') {
    test('a concurrent test that cannot be identified is an error', () => {
      const project = new Project(runner)
      try {
        project.dump('a')
        const matchers = "import { matchers } from 'golden-logits/matchers'\nexpect.extend(matchers)\n"
        const body = (options: string) =>
          `test.concurrent('a', async () => { await 1; expect('dumps/a').toMatchLogitsSnapshot(${options}) })\n`
        project.write(project.testFile('model'), `import { expect, test } from 'vitest'\n${matchers}${body('')}`)
        const run = project.run()
        expect(run.code).toBe(1)
        expect(run.out).toMatch(/does not know which test called it: load golden-logits\/vitest at the top/)
        const named = body("{ name: 'mine' }")
        project.write(project.testFile('model'), `import { expect, test } from 'vitest'\n${matchers}${named}`)
        expect(project.run().code).toBe(0)
        expect(project.files('__golden__')).toEqual(
          withRows(`${project.testFile('model')}/${snapshotName('mine', undefined, '')}`),
        )
      } finally {
        project.remove()
      }
    })
  }
})
