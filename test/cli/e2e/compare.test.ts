import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseReport } from '../../../src/report/parse-report.js'
import { logits, pth } from '../../build/logits.js'
import { torchDump } from '../../build/pair.js'
import { tree } from '../../fixtures/trees.js'
import { Shell } from './cli.js'

const GOOD = `-gp ${tree('a_clean_f32_vs_f16', 'golden')} -mp ${tree('a_clean_f32_vs_f16', 'my')}`
const BAD = `-gp ${tree('b_token3_degraded', 'golden')} -mp ${tree('b_token3_degraded', 'my')}`

// Node's own recursive mkdir never returns here.
const NEVER_WRITTEN = existsSync('/proc/self') ? ['/proc/golden-logits/a.csv', '/proc/golden-logits/'] : []

describe('compare', () => {
  test('prints what the matcher prints, writes CSV, HTML and JSON, and exits with 1 over a limit', () => {
    const shell = new Shell()
    const { code, stdout, stderr } = shell.run(`compare ${BAD} --dtype bf16`)
    expect(code).toBe(1)
    expect(stdout).toContain('First token over threshold: token 3     (12 tokens compared, 1 over, 0 missing)')
    expect(stdout).toContain('KL divergence       19.4995     must be < 0.005 (bf16)')
    expect(stderr).toContain('not within the limits: 12 tokens compared, 1 over, 0 missing')
    expect(shell.files('golden-logits-report')).toEqual(['msit_cmp_report_TIME.csv', 'report.html', 'report.json'])
    const file = shell.path('golden-logits-report/report.json')
    const [comparison] = parseReport(file, readFileSync(file, 'utf8')).comparisons
    expect(comparison).toMatchObject({ pass: false, verdicts: { pass: 11, 'over-threshold': 1 } })
    expect(comparison!.tokens[3]).toMatchObject({ step: 3, verdict: 'over-threshold' })
  })

  test('exits with 0 within the limits, with the paths as arguments or by the flags of msit llm', () => {
    const shell = new Shell()
    for (const sides of [GOOD, `${tree('a_clean_f32_vs_f16', 'my')} ${tree('a_clean_f32_vs_f16', 'golden')}`]) {
      const { code, stdout, stderr } = shell.run(`compare ${sides} --dtype fp16 --no-report`)
      expect(code).toBe(0)
      expect(stdout).toContain('All 12 tokens compared are within the limits')
      expect(stderr).toMatch(
        /^golden-logits: within the limits: 12 tokens compared, 0 over, 0 missing\ngolden-logits: KL by token [▁▂▃]{12}\n$/,
      )
    }
    expect(shell.files()).toEqual([])
  })

  test('takes limits, tokens, and options of loading', () => {
    const shell = new Shell()
    const run = (flags: string) => shell.run(`compare ${BAD} --dtype bf16 --no-report ${flags}`)
    expect(run('-kl 20 -cs 0.9').code).toBe(0)
    expect(run('-kl=20 --cosine-similarity 0.9').code).toBe(0)
    expect(run('--steps 0-2').code).toBe(0)
    expect(run('--steps 0,1,5').code).toBe(0)
    expect(run('--steps 3').code).toBe(1)
    expect(run('--dump-layer 33_LmHead --steps 0-2').code).toBe(0)
    const shifted = run('--golden-first-step 1')
    expect(shifted.code).toBe(1)
    expect(shifted.stdout).toContain('1 missing, 1 extra')
  })

  test('prints JSON alone where it is asked for', () => {
    const { code, stdout } = new Shell().run(`compare ${BAD} --json --no-report`)
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ format: 'golden-logits-report', comparisons: [{ pass: false }] })
  })

  test('takes files and quoted patterns on either side', () => {
    const golden = torchDump([{ values: logits(1) }])
    const dump = torchDump([{ values: logits(1) }])
    const file = (root: string) => join(root, 'torch_tensors/cuda0_1/0/root.lm_head/output.pth')
    const pattern = (root: string) => `'${dirname(root)}/*/torch_tensors/*/0/*/output.pth'`
    const shell = new Shell()
    expect(shell.run(`compare -gp ${file(golden)} -mp ${file(dump)} --no-report`).code).toBe(0)
    expect(shell.run(`compare -gp ${pattern(golden)} -mp ${pattern(dump)} --no-report`).code).toBe(0)
  })

  test('takes the paths that the shell makes of a pattern as it takes the quoted pattern', () => {
    const shell = new Shell()
    // The run has 12 tokens: by name, 10 and 11 come before 2.
    const steps = (path: string, count: number, other = -1) => {
      for (let step = 0; step < count; step++) {
        mkdirSync(shell.path(`${path}/${step}/0`), { recursive: true })
        const values = logits(step === other ? 99 : step + 1)
        writeFileSync(shell.path(`${path}/${step}/0/output.pth`), pth({ values }))
      }
    }
    steps('gpu', 12)
    steps('npu', 12)
    steps('bad', 12, 10)
    steps('short', 3)
    const run = (golden: string, dump: string) => {
      const { code, stdout } = shell.run(`compare ${golden} ${dump} --json --no-report`)
      const [{ tokens, title }] = JSON.parse(stdout).comparisons
      const verdicts = tokens.map(({ step, verdict }: { step: number; verdict: string }) => `${step} ${verdict}`)
      return { code, title, verdicts }
    }
    for (const [dump, exitCode] of Object.entries({ npu: 0, bad: 1, short: 1 })) {
      const quoted = run("-gp 'gpu/*/0/output.pth'", `-mp '${dump}/*/0/output.pth'`)
      expect({ dump, code: quoted.code }).toEqual({ dump, code: exitCode })
      expect(quoted.verdicts).toHaveLength(12)
      expect(run('-gp gpu/*/0/output.pth', `-mp ${dump}/*/0/output.pth`)).toEqual(quoted)
      expect(run('--golden-path gpu/*/0/output.pth', `--my-path ${dump}/*/0/output.pth`)).toEqual(quoted)
      expect(quoted.title).toBe(`${dump}/*/0/output.pth against gpu/*/0/output.pth`)
      if (dump === 'bad')
        expect(quoted.verdicts).toEqual(
          quoted.verdicts.map((_: string, i: number) => `${i} ${i === 10 ? 'over-threshold' : 'pass'}`),
        )
      if (dump === 'short')
        expect(quoted.verdicts.slice(2)).toEqual([
          '2 pass',
          ...[3, 4, 5, 6, 7, 8, 9, 10, 11].map((i) => `${i} missing`),
        ])
    }
    const stray = shell.run('compare -gp gpu/*/0/output.pth none -mp npu/*/0/output.pth')
    expect(stray).toMatchObject({ code: 3, stderr: expect.stringContaining('none: there is no such file or folder') })
    // A flag of several paths takes all that follow.
    expect(shell.run('compare -gp gpu npu')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('needs one tested dump and one golden, got 0 tested dumps and 1 golden'),
    })
  })

  test('refuses an output that is neither a folder nor a form of the report', () => {
    const shell = new Shell()
    for (const output of ["''", 'a.bogus', 'a.txt']) {
      expect(shell.run(`compare ${GOOD} -o ${output}`)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(
          '--output must be a folder (end it with /), or a file that ends in .csv, .html',
        ),
      })
    }
    expect(shell.run(`compare ${GOOD} --no-report -o a.html`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--no-report writes no file: leave out --output'),
    })
    expect(shell.files()).toEqual([])
    expect(shell.run(`compare ${GOOD} -o release-1.2`).code).toBe(0)
    expect(shell.files('release-1.2')).toContain('report.html')
    mkdirSync(shell.path('a.csv'))
    for (const folder of ['a.csv', 'b.html/']) {
      expect(shell.run(`compare ${GOOD} -o ${folder}`).code).toBe(0)
      expect(shell.files(folder)).toEqual(['msit_cmp_report_TIME.csv', 'report.html', 'report.json'])
    }
  })

  test('says in one line that the report cannot be written', () => {
    const shell = new Shell()
    writeFileSync(shell.path('file'), '')
    for (const output of ['file/a.csv', 'file/a.html', '/dev/full', ...NEVER_WRITTEN]) {
      const { code, stderr } = shell.run(`compare ${GOOD} -o ${output}`)
      expect(code).toBe(3)
      expect(stderr.trim().split('\n')).toHaveLength(1)
    }
  })

  test.skipIf(process.platform === 'win32')('keeps its exit code if nobody reads what it prints', () => {
    const shell = new Shell()
    for (const [script, code] of [
      [`set -o pipefail; $CLI compare ${GOOD} --no-report | true`, 0],
      [`set -o pipefail; $CLI compare ${BAD} --no-report | true`, 1],
      ['set -o pipefail; $CLI compare --help | true', 0],
      [`$CLI compare ${GOOD} --no-report 2> >(true)`, 0],
    ] as const) {
      const run = shell.bash(script)
      expect(run.code).toBe(code)
      expect(run.printed).not.toMatch(/\n\s+at |EPIPE/)
    }
    expect(shell.bash(`$CLI compare ${GOOD} --no-report > /dev/full`).printed).toMatch(
      /^golden-logits: a file cannot be written or read \(ENOSPC: .*\n$/,
    )
  })

  test('takes flags without a value and limits of several metrics more than once', () => {
    const twice = '--no-report --no-report --strict --strict --limit l1Norm=1 --limit totalVariation=0.5'
    const { code, stdout } = new Shell().run(`compare ${GOOD} --dtype fp16 ${twice}`)
    expect(code).toBe(0)
    expect(stdout).toContain('worst total variation')
    expect(stdout).toContain('worst L1 norm')
  })

  test('takes the vocab ids that each run chose', () => {
    const ids = '1,2,3,4,5,6,7,8,9,10,11'
    const shell = new Shell()
    expect(shell.run(`compare ${GOOD} --no-report --decoding sampled --token-ids ${ids}:${ids}`).code).toBe(0)
    expect(shell.run(`compare ${GOOD} --no-report --decoding sampled --token-ids ${ids}`).code).toBe(0)
    const apart = shell.run(`compare ${GOOD} --json --no-report --token-ids ${ids}:1,2,9,4,5,6,7,8,9,10,11`)
    const { comparisons } = JSON.parse(apart.stdout)
    expect(comparisons[0].tokens.map(({ verdict }: { verdict: string }) => verdict)).toEqual([
      ...Array(3).fill('pass'),
      ...Array(9).fill('not-comparable'),
    ])
    expect(shell.run(`compare ${GOOD} --token-ids 1:2:3`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("expected the golden's vocab ids and the dump's, such as 5,17,3:5,17,9"),
    })
  })

  test('its last lines say why a comparison fails whose tokens pass', () => {
    const shell = new Shell()
    const mean = shell.run(`compare ${GOOD} --no-report --mean-kl 1e-9`)
    expect(mean.code).toBe(1)
    expect(mean.stderr).toMatch(
      /not within the limits: 12 tokens compared, 0 over, 0 missing; mean KL divergence \S+ ± /,
    )
    const short = shell.run(`compare ${GOOD} --no-report --steps 0,1 --p99-kl 0.1`)
    expect(short.code).toBe(4)
    expect(short.stderr).toContain('inconclusive: 2 tokens compared')
  })

  test('writes the one file that the output names, and never over a file that is not ours', () => {
    const shell = new Shell()
    expect(shell.run(`compare ${GOOD} -o a.html`).code).toBe(0)
    expect(shell.run(`compare ${GOOD} -o a.html`).code).toBe(0)
    expect(shell.files()).toEqual(['a.html'])
    for (const file of ['a.md', 'a.xml']) {
      expect(shell.run(`compare ${GOOD} -o ${file}`).code).toBe(0)
      expect(shell.run(`compare ${GOOD} -o ${file}`).code).toBe(0)
    }
    expect(readFileSync(shell.path('a.md'), 'utf8')).toMatch(/^### golden-logits: ✅/)
    expect(readFileSync(shell.path('a.xml'), 'utf8')).toContain(
      '<testsuites name="golden-logits" tests="1" failures="0"',
    )
    writeFileSync(shell.path('notes.html'), '<p>mine')
    const { code, stderr } = shell.run(`compare ${GOOD} -o notes.html`)
    expect(code).toBe(2)
    expect(stderr).toContain(
      'this file is not a report of golden-logits, so it is not overwritten; delete it, or name another --output',
    )
    expect(readFileSync(shell.path('notes.html'), 'utf8')).toBe('<p>mine')
  })

  test('exits with 3 where files cannot be read', () => {
    const unreadable = torchDump([{ values: logits(1) }, 'no tensor'])
    const golden = torchDump([{ values: logits(1) }, { values: logits(2) }])
    const { code, stdout } = new Shell().run(`compare ${unreadable} ${golden} --no-report`)
    expect(code).toBe(3)
    expect(stdout).toContain('token 1, unreadable')
  })

  test('exits with 4 where the data do not decide', () => {
    const ranks = (seed: number) => torchDump([[{ values: logits(seed) }, { values: logits(2).with(0, 30) }]])
    const { code, stdout } = new Shell().run(`compare ${ranks(1)} ${ranks(1.0001)} -kl 0.000001 --no-report`)
    expect(stdout).toContain('read as parts of one vocabulary')
    expect(code).toBe(4)
  })

  test.each([
    [
      'one dump',
      'compare dumps/a',
      2,
      /got 1 tested dump and 0 goldens: compare DUMP GOLDEN, or compare -gp GOLDEN -mp DUMP/,
    ],
    ['a folder that is not there', 'compare a b', 3, /a: there is no such file or folder/],
    [
      'an unknown flag',
      `compare ${GOOD} --kl 3`,
      2,
      /unknown option '--kl'.*\(golden-logits compare --help shows how\)/s,
    ],
    ['a limit that is no number', `compare ${GOOD} -kl small`, 2, /'small' is invalid.*expected a number/s],
    ['tokens that are not numbers', `compare ${GOOD} --steps first`, 2, /expected tokens such as 3, 0,1,5 or 0-11/],
    ['an unknown value of an option', `compare ${GOOD} --missing maybe`, 2, /missing/],
    [
      'a pattern without quotes',
      'compare a b c',
      2,
      /too many arguments.*If the shell made several paths of a pattern/,
    ],
    [
      'an option that is given twice',
      `compare ${GOOD} --steps 0 --steps 1`,
      2,
      /: --steps is given twice: give it once \(/,
    ],
    [
      'an output that is given twice',
      `compare ${GOOD} -o a.csv --output b.html`,
      2,
      /: --output is given twice: give it once \(/,
    ],
    [
      'a limit that is given twice',
      `compare ${GOOD} --limit l1Norm=1 --limit l1Norm=2`,
      2,
      /the limit of l1Norm is given twice/,
    ],
    [
      'a limit that is given by two flags',
      `compare ${GOOD} -kl 0.1 --limit klDivergence=3`,
      2,
      /the limit of klDivergence is given twice: by its own flag and by --limit/,
    ],
    [
      'a flag of the old tool',
      `compare ${GOOD} -alg a.py`,
      2,
      /--custom-algorithms of msit llm is not supported: no code/,
    ],
    ['a short one', `compare ${GOOD} -w a`, 2, /-w of msit llm is not supported: compare reads logits;/],
    ['a long one', `compare ${GOOD} --weight=a`, 2, /--weight of msit llm is not supported: compare reads logits;/],
    [
      'another level',
      `compare ${GOOD} -cl layer`,
      2,
      /--cmp-level layer is not supported; --layers with --token N compares/,
    ],
  ])('refuses %s in one line', (_, command, code, text) => {
    const run = new Shell().run(command)
    expect(run).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(text) })
    expect(run.stderr.trim().split('\n')).toHaveLength(1)
    expect(run.stderr).not.toMatch(/\n\s+at /)
  })
})

test('help and version are no errors', () => {
  const shell = new Shell()
  for (const command of ['--help', 'help', 'help compare', 'compare --help', 'merge -h', '--version']) {
    const { code, stdout, stderr } = shell.run(command)
    expect({ command, code, stderr }).toEqual({ command, code: 0, stderr: '' })
    expect(stdout).not.toBe('')
  }
  expect(shell.run('--version').stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})
