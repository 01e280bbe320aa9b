import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { logits, pth } from '../../build/logits.js'
import { torchDump } from '../../build/pair.js'
import { expectedOf, tree } from '../../fixtures/trees.js'
import { Shell } from './cli.js'

const shell = new Shell()

describe('inspect', () => {
  test('says what a dump is, with the numbers that NumPy computed', () => {
    const { code, stdout } = shell.run(`inspect ${tree('a_clean_f32_vs_f16', 'my')} --json`)
    expect(code).toBe(0)
    const facts = JSON.parse(stdout)
    const { my_stats } = expectedOf('a_clean_f32_vs_f16').pairs[0]!
    expect(facts).toMatchObject({ layout: 'atb', steps: 12, tokens: 'tokens 0 to 11', ranks: 1, layers: ['33_LmHead'] })
    expect(facts.row).toMatchObject({
      dtype: my_stats.dtype.replace('torch.', ''),
      max: my_stats.max,
      min: my_stats.min,
    })
    expect(facts.row.mean).toBeCloseTo(my_stats.mean_f64, 9)
    expect(facts.row.top[0].id).toBe(my_stats.argmax)
  })

  test('describes one token, of a file too', () => {
    const { stdout } = shell.run(`inspect ${tree('a_clean_f32_vs_f16', 'golden')} --token 3`)
    expect(stdout).toContain('\nToken 3\n')
    expect(stdout).toMatch(/ {2}row {7}float32 \[640\], max /)
    writeFileSync(shell.path('one.pth'), pth({ values: logits(1) }))
    expect(shell.run('inspect one.pth').stdout).toContain('float32 [8]')
  })

  test('describes integers, which show no precision; all alike, they say nothing', () => {
    const whole = torchDump([{ values: [3, -5, 9, 0, 7, 1, 2, 4], dtype: 'int8' }])
    expect(shell.run(`inspect ${whole}`)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/ {2}row {7}int8 \[8\], max 9, min -5, mean 2\.625\n {2}top {13}2 {2}logit 9 /),
    })
    const alike = shell.run(`inspect ${torchDump([{ values: Array(8).fill(3), dtype: 'int8' }])}`)
    expect(alike.stdout).toContain('all logits are equal (3)')
    expect(alike.code).toBe(1)
  })

  test('describes log-probabilities, of all vocab ids or of some', () => {
    const fixtures = resolve('test/fixtures')
    const answer = shell.run(`inspect ${join(fixtures, 'answers/completion-20.json')}`)
    expect(answer.code).toBe(0)
    // The sums of exp(logprob) over the answer, by Python.
    expect(answer.stdout).toContain('row       log-probabilities of 20 vocab ids, which hold a probability of 0.898665')
    expect(answer.stdout).toContain('top           281  probability 0.720759')
    expect(shell.run(`inspect ${join(fixtures, 'kld/narrow-f32.kld')}`).stdout).toContain('log-probabilities [512]')
    const sampled = shell.run(`inspect ${join(fixtures, 'answers/completion-post.json')}`)
    expect(sampled.code).toBe(3)
    expect(sampled.stdout).toContain('it holds probabilities after sampling')
  })

  test('names NaN, and the option that decides what is not decided', () => {
    const nan = torchDump([{ values: logits(1).with(2, Number.NaN) }])
    expect(shell.run(`inspect ${nan}`).stdout).toContain('it holds 1 NaN, first at vocab id 2')
    const ranks = torchDump([[{ values: logits(1) }, { values: logits(2) }]])
    const { code, stdout } = shell.run(`inspect ${ranks}`)
    expect(code).toBe(4)
    expect(stdout).toContain("load the dump with ranks: 'split'")
    expect(shell.run(`inspect ${ranks} --ranks split`).code).toBe(0)
  })

  test.each([
    ['zero', Array(128).fill(0), 1, 'all logits are equal (0)'],
    [
      'probabilities',
      Array(128)
        .fill(1 / 128)
        .with(0, 2 / 128)
        .with(1, 0),
      1,
      'the values are probabilities',
    ],
    ['Inf', [...logits(1), Number.POSITIVE_INFINITY], 1, 'it holds 1 +Inf, first at vocab id 8'],
  ])('ends with 1 for a row that says nothing about a model: %s', (_, values, code, text) => {
    const run = shell.run(`inspect ${torchDump([{ values }])}`)
    expect(run.stdout).toContain(text)
    expect(run.code).toBe(code)
  })

  test('asks for the row of a file with two, and ends with 3 for a file that it cannot read', () => {
    writeFileSync(shell.path('two.pth'), pth({ values: [...logits(1), ...logits(2)], shape: [2, 8] }))
    const two = shell.run('inspect two.pth')
    expect(two.code).toBe(4)
    expect(two.stdout).toContain('problem   it holds 2 rows at token 0, shape [2, 8]: a batch')
    expect(shell.run('inspect two.pth --positions last').code).toBe(0)
    writeFileSync(shell.path('bad.pth'), 'no tensor')
    expect(shell.run('inspect bad.pth').code).toBe(3)
  })

  test('has the plain flags of loading alone', () => {
    const shell = new Shell()
    mkdirSync(shell.path('cases'))
    for (const name of ['a', 'b']) writeFileSync(shell.path(`cases/logits_${name}_0_0.pth`), pth({ values: logits(1) }))
    const { code, stderr } = shell.run('inspect cases')
    expect(code).toBe(3)
    expect(stderr).toContain("choose one with the option run: 'logits_a_0'")
    expect(shell.run('inspect cases --run logits_a_0').code).toBe(0)
    const refused = shell.run('inspect cases --run logits_a_0 --golden-run logits_b_0')
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain("unknown option '--golden-run'")
  })

  test('refuses what it cannot read', () => {
    expect(shell.run('inspect nothing')).toMatchObject({ code: 3, stdout: '' })
    expect(shell.run(`inspect ${tree('a_clean_f32_vs_f16', 'my')} --token 99`)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('there is no token 99; the dump has tokens 0 to 11'),
    })
    expect(shell.run(`inspect ${tree('a_clean_f32_vs_f16', 'my')} --token three`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('expected a number'),
    })
    expect(shell.run('inspect').code).toBe(2)
  })
})

describe('layers', () => {
  test('names the heads of prefill and decoder, and the command that dumps them', () => {
    const { code, stdout } = shell.run(`layers ${tree('g1_tp2_same_pid', 'my')}`)
    expect(code).toBe(0)
    expect(stdout).toContain('LM head 33: prefill, which produces token 0')
    expect(stdout).toContain('LM head 67: decoder, which produces every later token')
    expect(stdout).toContain('--type model tensor -ids 33,67 -er 0,1000 -child False -stp 1')
  })

  test('reads a topology without tensors, in both layouts', () => {
    mkdirSync(shell.path('msit_dump_20250301_000000/layer/77'), { recursive: true })
    writeFileSync(shell.path('msit_dump_20250301_000000/layer/77/LmHead_12.json'), '{}')
    mkdirSync(shell.path('atb/info/layer/0_78'), { recursive: true })
    writeFileSync(shell.path('atb/info/layer/0_78/LmHead_9.json'), '{}')
    const heads = (path: string) => JSON.parse(shell.run(`layers ${path} --json`).stdout)[0].processes[0]
    expect(heads('msit_dump_20250301_000000')).toEqual({ name: '77', models: 0, heads: [{ id: 12, phase: 'both' }] })
    expect(heads('atb')).toEqual({ name: '0_78', models: 0, heads: [{ id: 9, phase: 'both' }] })
  })

  test('refuses a folder without a topology, and one that names no head', () => {
    expect(shell.run(`layers ${tree('a_clean_f32_vs_f16', 'golden')}`)).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/no topology here \(found msit_dump_\w+\); expected the folder of a run of ATB/),
    })
    writeFileSync(shell.path('passwd'), 'root:x:0')
    expect(shell.run('layers passwd')).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/passwd: no topology here \(it is no folder\); expected the folder of a run/),
    })
    expect(shell.run('layers none').stderr).toContain('none: there is no such folder; looked for /')
    mkdirSync(shell.path('empty'))
    expect(shell.run('layers empty').stderr).toContain('empty: no topology here (it is empty); expected')
    mkdirSync(shell.path('bare/layer/1'), { recursive: true })
    writeFileSync(shell.path('bare/layer/1/Linear_3.json'), '{}')
    expect(shell.run('layers bare')).toMatchObject({ code: 3, stderr: expect.stringContaining('names no LM head') })
  })
})
