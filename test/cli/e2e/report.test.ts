import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { logits } from '../../build/logits.js'
import { torchDump } from '../../build/pair.js'
import { tree } from '../../fixtures/trees.js'
import { Shell } from './cli.js'

const BAD = `-gp ${tree('b_token3_degraded', 'golden')} -mp ${tree('b_token3_degraded', 'my')}`

test('report renders a saved report, and judges it by other limits', () => {
  const shell = new Shell()
  expect(shell.run(`compare ${BAD} -o saved.json`).code).toBe(1)
  const html = shell.run('report saved.json')
  expect(html).toMatchObject({ code: 1, stderr: expect.stringContaining('report.html') })
  expect(readFileSync(shell.path('report.html'), 'utf8')).toContain('First failing token: <strong>3</strong>')
  expect(shell.run('report saved.json -kl 20 -cs 0.9 -o loose.md').code).toBe(0)
  expect(readFileSync(shell.path('loose.md'), 'utf8')).toContain('✅ all within the limits')
  expect(shell.run('report saved.json -o junit.xml').code).toBe(1)
  expect(readFileSync(shell.path('junit.xml'), 'utf8')).toContain('message="token 3: over-threshold"')
  const tight = shell.run('report saved.json --kl 0.0000001 --json')
  expect(tight.code).toBe(1)
  expect(JSON.parse(tight.stdout).comparisons[0].thresholds.klDivergence).toBe(1e-7)
  expect(shell.run('report saved.json -kl 1e300 -cs -1')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('thresholds gate nothing: klDivergence 1e+300'),
  })
})

test('report makes one report of several', () => {
  const shell = new Shell()
  const good = `-gp ${tree('a_clean_f32_vs_f16', 'golden')} -mp ${tree('a_clean_f32_vs_f16', 'my')}`
  expect(shell.run(`compare ${good} -o 1/report.json`).code).toBe(0)
  expect(shell.run(`compare ${BAD} -o 2/report.json`).code).toBe(1)
  const { code, stdout } = shell.run("report '*/report.json' 1/report.json --json")
  expect(code).toBe(1)
  const parts = ['1', '2'].map((name) => JSON.parse(readFileSync(shell.path(`${name}/report.json`), 'utf8')))
  expect(JSON.parse(stdout).comparisons).toEqual(parts.flatMap(({ comparisons }) => comparisons))
  expect(shell.run('report 1/report.json 2/report.json').code).toBe(1)
  expect(readFileSync(shell.path('golden-logits-report/report.html'), 'utf8')).toContain('2 comparisons, 1 fails')
  expect(shell.run('report 1/report.json 2/report.json -o 2/report.json')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("'2/report.json' is an input and the output; name another --output"),
  })
})

test('report keeps what fails a comparison as a whole', () => {
  const shell = new Shell()
  const good = `${tree('a_clean_f32_vs_f16', 'my')} ${tree('a_clean_f32_vs_f16', 'golden')}`
  expect(shell.run(`compare ${good} --mean-kl 1e-9 -o mean.json`).code).toBe(1)
  const mean = shell.run('report mean.json -kl 0.1 -cs 0.9')
  expect(mean).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/12 tokens: 12 pass; mean KL divergence \S+ ± /),
  })
  expect(readFileSync(shell.path('report.html'), 'utf8')).toMatch(/fails as a whole<\/span> mean KL divergence/)
  expect(shell.run('report mean.json -o mean.md').code).toBe(1)
  expect(readFileSync(shell.path('mean.md'), 'utf8')).toMatch(/\| mean KL divergence \S+ ± /)
  const same = tree('a_clean_f32_vs_f16', 'my')
  expect(shell.run(`compare ${same} ${same} --strict -o strict.json`).code).toBe(1)
  expect(shell.run('report strict.json -kl 1')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('12 tokens: 12 pass; 1 warning, which fail with strict'),
  })
  // A report of an earlier version does not say why.
  const saved = JSON.parse(readFileSync(shell.path('mean.json'), 'utf8'))
  delete saved.comparisons[0].wholeFailure
  writeFileSync(shell.path('old.json'), JSON.stringify(saved))
  expect(shell.run('report old.json -kl 0.1').code).toBe(1)
})

test('limits that let every judged token pass do not make a comparison of too few tokens pass', () => {
  const shell = new Shell()
  const tie = (first: number, second: number) => ({ values: logits(1).with(3, first).with(4, second) })
  const rows = (seed: number, count: number) => Array.from({ length: count }, (_, i) => ({ values: logits(seed + i) }))
  // The token before the tie is over the limits, and the runs read different texts behind it.
  for (const [before, code] of [
    [1, 4],
    [4, 0],
  ] as const) {
    const golden = torchDump([...rows(10, before), tie(30, 29.9), ...rows(20, 5)])
    const off = rows(10, before).map(({ values }) => ({ values: values.map((logit, id) => logit + 0.3 * (id % 3)) }))
    const dump = torchDump([...off, tie(29.9, 30), ...rows(40, 5)])
    const limits = '-kl 90 -cs 0.1'
    expect(shell.run(`compare ${dump} ${golden} --dtype bf16 -o ${before}.json`).code).toBe(1)
    expect(shell.run(`compare ${dump} ${golden} --dtype bf16 --no-report ${limits}`).code).toBe(code)
    const { code: again, stderr } = shell.run(`report ${before}.json ${limits}`)
    expect(again).toBe(code === 0 ? 0 : 1)
    if (code !== 0) expect(stderr).toContain('2 pass, 5 not-comparable; 2 of 7 tokens are comparable')
  }
})

test('report writes a file beside --json, and never over its input', () => {
  const shell = new Shell()
  expect(shell.run(`compare ${BAD} -o saved.json`).code).toBe(1)
  const { stdout } = shell.run('report saved.json --json -o page.html')
  expect(JSON.parse(stdout).comparisons).toHaveLength(1)
  expect(readFileSync(shell.path('page.html'), 'utf8')).toContain('<!doctype html>')
  const before = readFileSync(shell.path('saved.json'), 'utf8')
  expect(shell.run('report saved.json -kl 100 -cs 0.5 -o saved.json').code).toBe(2)
  expect(readFileSync(shell.path('saved.json'), 'utf8')).toBe(before)
})

test('report refuses what is no report', () => {
  const shell = new Shell()
  expect(shell.run("report '*.json'")).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('the pattern matches no file or folder'),
  })
  expect(shell.run('report .')).toMatchObject({ code: 3, stderr: expect.stringContaining('this is not a file') })
  const empty = { format: 'golden-logits-report', version: 1, comparisons: [] }
  writeFileSync(shell.path('empty.json'), JSON.stringify(empty))
  expect(shell.run('report empty.json')).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('empty.json: the report has no comparison'),
  })
  const place = { project: '', file: 'a.test.ts', name: 'a', ordinal: 1, repetition: 1, attempt: 1 }
  const test = { ...place, matcher: 'toMatchGoldenLogits', isNot: false, expectation: 'met' }
  const comparison = { title: 'a', test, pass: true, verdicts: {}, notes: [], tokens: [] }
  for (const name of ['1', '2']) {
    writeFileSync(shell.path(`${name}.json`), JSON.stringify({ ...empty, comparisons: [comparison] }))
  }
  expect(shell.run('report 1.json 2.json')).toMatchObject({
    code: 3,
    stderr: expect.stringMatching(/2\.json: has comparisons of a\.test\.ts, and so does 1\.json; give only the one/),
  })
  writeFileSync(shell.path('other.json'), '{}')
  expect(shell.run('report other.json')).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('other.json: it is not a report of golden-logits'),
  })
  const edited = { ...empty, comparisons: [{ ...comparison, tokens: [{ step: 0, pass: true }] }] }
  writeFileSync(shell.path('edited.json'), JSON.stringify(edited))
  expect(shell.run('report edited.json -kl 0.1')).toEqual({
    code: 3,
    stdout: '',
    stderr:
      'golden-logits: edited.json: comparisons[0].tokens[0].verdict is absent, expected a value (golden-logits/report.schema.json): was it edited?\n',
  })
  expect(shell.run('report nothing.json').code).toBe(3)
  expect(shell.run('merge other.json')).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('other.json: merge joins CSV reports; golden-logits report joins JSON reports'),
  })
  expect(shell.run('compare -o saved.json').code).toBe(2)
})

test('a report that an editor has saved with a mark of the byte order is read', () => {
  const shell = new Shell()
  expect(shell.run(`compare ${BAD} -o saved.json`).code).toBe(1)
  writeFileSync(shell.path('marked.json'), `\ufeff${readFileSync(shell.path('saved.json'), 'utf8')}`)
  const [plain, marked] = ['saved.json', 'marked.json'].map((file) => shell.run(`report ${file} --json`))
  expect(marked).toEqual(plain)
  expect(plain).toMatchObject({ code: 1, stdout: expect.stringContaining('golden-logits-report') })
})

test('a report of more values than a report may have costs no memory', () => {
  const shell = new Shell()
  writeFileSync(
    shell.path('deep.json'),
    `{"format":"golden-logits-report","version":1,"comparisons":${'['.repeat(2 ** 25)}`,
  )
  const { code, stderr } = shell.run('report deep.json')
  expect(code).toBe(3)
  expect(stderr).toMatch(/deep\.json: it has more values than a report may have \(33554432\)\n$/)
})

test('a title is printed without its control characters', () => {
  const shell = new Shell()
  expect(shell.run(`compare ${BAD} -o saved.json`).code).toBe(1)
  const saved = JSON.parse(readFileSync(shell.path('saved.json'), 'utf8'))
  saved.comparisons[0].title = 'a\u001b[2J\u202e'
  writeFileSync(shell.path('saved.json'), JSON.stringify(saved))
  const { code, stderr } = shell.run('report saved.json -o r.md')
  expect(code).toBe(1)
  expect(stderr).toContain('fails: a\\x1b[2J\\u202e: ')
  expect(stderr).not.toMatch(/[^\P{C}\n]/u)
})
