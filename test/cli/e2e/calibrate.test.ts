import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { goldenRows, noisyRows } from '../../build/noisy.js'
import { torchDump } from '../../build/pair.js'
import { tree } from '../../fixtures/trees.js'
import { Shell } from './cli.js'

const KEY = '--model toy --device cpu --tensor-parallel 1'

const golden = goldenRows(1, 60)
const goldenPath = torchDump(golden.map((values) => ({ values })))
const dump = (seed: number, factor = 1) =>
  torchDump(noisyRows(golden, seed, 0.05, factor).map((values) => ({ values, dtype: 'bfloat16' as const })))
const [first, second] = [dump(1), dump(2)]

describe('calibrate', () => {
  test('prints what was measured and which limits follow, writes the file, and compare takes it', () => {
    const shell = new Shell()
    const { code, stdout, stderr } = shell.run(
      `calibrate ${first} ${second} --golden ${goldenPath} --decoding forced ${KEY} -o toy.json`,
    )
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Calibration of toy: bf16 against fp32, tensor-parallel 1, cpu\n/)
    expect(stdout).toContain('Measured on 2 accepted dumps against the golden, 120 tokens')
    expect(stdout).toMatch(/ {2}KL divergence {3,}[\d.e-]+ +[\d.e-]+ +[\d.e-]+ +[\d.e-]+ +[\d.e-]+\n/)
    expect(stdout).toMatch(/Limits on each token\n {2}KL divergence +< 0\.0\d+ +(?:one honest token|4 times)/)
    expect(stdout).toContain('Limits on a run of 32 tokens or more')
    expect(stderr).toBe('golden-logits: toy.json\n')
    const compare = (path: string, key = KEY) =>
      shell.run(`compare ${path} ${goldenPath} --calibration toy.json ${key} --decoding forced --no-report`)
    expect(compare(dump(3)).code).toBe(0)
    const factor = compare(dump(3, 1.02))
    expect(factor.code).toBe(1)
    expect(factor.stdout).toMatch(/scale error 0\.0\d+ is not below/)
    const other = compare(dump(3), KEY.replace('toy', 'other'))
    expect(other.code).toBe(3)
    expect(other.stderr).toContain('is for model toy, but the option model says other')
  })

  test('prints the file with --json, and says that nothing was written without -o', () => {
    const shell = new Shell()
    const { code, stdout, stderr } = shell.run(
      `calibrate ${first} ${second} --golden ${goldenPath} --golden ${goldenPath} --decoding forced ${KEY} --json`,
    )
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ format: 'golden-logits-calibration', version: 1, tokens: 120 })
    expect(stderr).toBe('golden-logits: nothing was written: name the file by -o\n')
    expect(shell.files()).toEqual([])
  })

  test('lists limits that are looser than in the file it replaces, and replaces no other file', () => {
    const shell = new Shell()
    const run = (dumps: string) =>
      shell.run(`calibrate ${dumps} --golden ${goldenPath} --decoding forced ${KEY} -o toy.json`)
    run(`${first} ${second}`)
    expect(run(`${first} ${second}`).stderr).toBe('golden-logits: toy.json\n')
    const { stderr } = run(`${first} ${dump(4, 1.02)}`)
    expect(stderr).toMatch(/looser than before: scaleError was 0\.0\d+ and is now 0\.0\d+\n/)
    writeFileSync(shell.path('toy.json'), 'mine')
    const refused = run(`${first} ${second}`)
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain(
      'toy.json: this file is no calibration of this version, so it is not replaced; delete it',
    )
    expect(readFileSync(shell.path('toy.json'), 'utf8')).toBe('mine')
  })

  test('names a file when the output is a folder, whether it exists or not', () => {
    const shell = new Shell()
    mkdirSync(shell.path('limits'))
    for (const output of ['limits', 'limits/', 'new/']) {
      const { code, stderr } = shell.run(`calibrate ${first} ${second} --golden ${goldenPath} ${KEY} -o ${output}`)
      const file = join(output, 'llama-8b.calibration.json')
      const text = `--output is the path of the calibration file, such as ${file}, and ${output} is a folder`
      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(text) })
    }
    expect(shell.files()).toEqual(['limits'])
  })

  test('takes three runs of one build without a golden', () => {
    const { code, stdout } = new Shell().run(`calibrate ${first} ${second} ${dump(5)} --decoding forced ${KEY}`)
    expect(code).toBe(0)
    expect(stdout).toContain('Measured on 3 runs of one build, each against each, 180 tokens')
    expect(stdout).toContain('bf16 against bf16')
  })

  test.each([
    [`calibrate ${first} ${second} --decoding forced ${KEY}`, 2, 'at least three runs of one build, got 2'],
    [`calibrate ${first} --golden ${goldenPath} --decoding forced`, 2, 'needs model, device, tensorParallel'],
    [`calibrate ${first} --golden ${goldenPath} --decoding forced ${KEY}`, 3, '60 comparable tokens, and a tail needs'],
    [`calibrate ${first} ${second} ${first} --golden a --golden b ${KEY}`, 2, 'there are 3 dumps and 2 goldens'],
    [`calibrate ${tree('b_token3_degraded', 'my')}/none --golden ${goldenPath} ${KEY}`, 3, 'none'],
    [
      `calibrate ${first} ${second} ${first} --golden ${goldenPath} --decoding forced ${KEY}`,
      2,
      'is given twice with the golden',
    ],
    [`calibrate ${first} ${second} ${second} --decoding forced ${KEY}`, 2, 'its tokens would count twice; give each'],
    ['calibrate', 2, "missing required argument 'dumps'"],
  ])('%s', (args, exitCode, message) => {
    const { code, stderr } = new Shell().run(args)
    expect({ code, stderr }).toEqual({ code: exitCode, stderr: expect.stringContaining(message) })
  })

  test('its help teaches with examples', () => {
    const { stdout } = new Shell().run('calibrate --help')
    expect(stdout).toContain('golden-logits compare dumps/npu dumps/gpu --calibration llama-8b.calibration.json')
    expect(stdout).toContain('Exit codes: 0 measured')
    expect(stdout.split('\n').every((line) => line.length <= 130)).toBe(true)
  })
})

test('compare takes a baseline, and options of loading for it alone', () => {
  const shell = new Shell()
  const run = (path: string, flags = '') =>
    shell.run(`compare ${path} ${goldenPath} --baseline ${first} --decoding forced --no-report ${flags}`)
  expect(run(second).code).toBe(0)
  const factor = run(dump(3, 1.05))
  expect(factor.code).toBe(1)
  expect(factor.stdout).toContain('(baseline)')
  expect(run(dump(3, 1.05), '--baseline-factor 50').code).toBe(0)
  expect(run(second, '--baseline-layer none').code).not.toBe(0)
  expect(run(second, '--calibration x.json').code).toBe(2)
})
