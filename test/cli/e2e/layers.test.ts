import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseReport } from '../../../src/report/parse-report.js'
import { layersDump, model } from '../../build/layers.js'
import { Shell } from './cli.js'

const golden = layersDump(model(0))
const honest = layersDump(model(1))
const floor = layersDump(model(2))
const fault = layersDump(model(1, { 'root.layers.1.self_attn.o_proj': [0.05, 0.005] }))

describe('compare --layers', () => {
  test('names the first layer that diverges, and writes CSV, HTML and JSON', () => {
    const shell = new Shell()
    const { code, stdout, stderr } = shell.run(`compare ${fault} ${golden} --layers --token 0 --dtype bf16`)
    expect(code).toBe(1)
    expect(stdout).toContain('First layer that diverges: root.layers.1.self_attn.o_proj')
    expect(stderr).toContain('a layer diverges: 31 layers: 31 compared, 0 without a partner, 0 not comparable')
    const [csv, html, json] = shell.files('golden-logits-report').sort()
    expect([html, json]).toEqual(['report.html', 'report.json'])
    expect(csv).toMatch(/^msit_cmp_report_/)
    const [header, ...lines] = readFileSync(shell.path(stderr.match(/\S+\.csv/)![0]), 'utf8')
      .trim()
      .split('\n')
    const columns = header!.split(',')
    const cells = lines.map((line) => line.split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/))
    const column = (name: string) => cells.map((row) => row[columns.indexOf(name)])
    expect(lines.length).toBe(31)
    expect(column('verdict').filter((verdict) => verdict !== 'pass')).toEqual(['over-threshold'])
    expect(column('golden_op_type').slice(0, 2)).toEqual(['Embedding', 'Linear'])
    expect(column('my_op_type')[30]).toBe('Linear')
    expect(column('token_id')[30]).toBe('0')
    expect(column('kl_divergence').every((cell) => cell === '')).toBe(true)
    expect(Number(column('relative_euclidean_distance')[11])).toBeCloseTo(0.05, 6)
    const file = shell.path('golden-logits-report/report.json')
    const [comparison] = parseReport(file, readFileSync(file, 'utf8')).comparisons
    expect(comparison).toMatchObject({ pass: false, verdicts: { pass: 30, 'over-threshold': 1 } })
  })

  test('takes a floor, and exits with 0 if no layer diverges', () => {
    const { code, stdout } = new Shell().run(
      `compare ${honest} ${golden} --layers --token 0 --floor ${floor} --dtype bf16 --no-report`,
    )
    expect(code).toBe(0)
    expect(stdout).toContain('No layer stands out: the error grows as rounding does')
  })

  test('refuses the dump as its own floor', () => {
    const { code, stderr } = new Shell().run(
      `compare ${fault} ${golden} --layers --token 0 --floor ${fault} --dtype bf16 --no-report`,
    )
    expect(code).toBe(2)
    expect(stderr).toContain('the floor is the dump itself, so that no error could stand out; expected a second run')
  })

  test('report says that limits do not judge layers', () => {
    const shell = new Shell()
    const layers = `${honest} ${golden} --layers --token 0 --dtype bf16`
    expect(shell.run(`compare ${layers} -o layers.json`).code).toBe(0)
    const text = 'it was judged by no such limits, so that its verdict stays'
    expect(shell.run('report layers.json')).toMatchObject({ code: 0, stderr: expect.not.stringContaining(text) })
    expect(shell.run('report layers.json -kl 1')).toMatchObject({ code: 0, stderr: expect.stringContaining(text) })
  })

  test('takes a checkpoint', () => {
    const file = resolve(import.meta.dirname, '../../fixtures/checkpoint/model.safetensors')
    const command = `compare ${honest} ${golden} --layers --token 0 --dtype bf16 --no-report --checkpoint`
    const { code, stdout } = new Shell().run(`${command} ${file}`)
    expect(code).toBe(0)
    // The fixture has other layers.
    expect(stdout).toContain('the rule local judged 0 layers by the checkpoint and their own inputs: inputs were')
    expect(new Shell().run(`${command} absent`)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('absent: there is no checkpoint; looked for'),
    })
  })

  test('takes a mapping from a file, and layers that may lack a partner', () => {
    const renamed = layersDump(
      model(1).map((module) => ({ ...module, name: module.name.replace('lm_head', 'output_layer') })),
    )
    const shell = new Shell()
    // Some editors put a mark of the byte order before it.
    writeFileSync(shell.path('names.json'), '\ufeff{"root.lm_head":"root.output_layer"}')
    const command = `compare ${renamed} ${golden} --layers --token 0 --dtype bf16 --no-report`
    expect(shell.run(command).code).toBe(1)
    expect(shell.run(`${command} --mapping names.json`).code).toBe(0)
    expect(shell.run(`${command} --unpaired allow`).code).toBe(0)
  })

  test.each([
    ['{"root.norm": 3}', 'it holds 3 for root.norm'],
    ['["root.norm"]', 'it holds a list'],
    ['{"root.norm": []}', 'it holds a list for root.norm'],
    ['root.norm: root.norm', 'it is not JSON'],
    ['null', 'it holds null'],
    ['{"root.norm": "root.norm", "root.norm": "root.lm_head"}', 'it names root.norm twice'],
  ])('refuses a file that is no mapping: %s', (text, problem) => {
    const shell = new Shell()
    writeFileSync(shell.path('names.json'), text)
    const { code, stderr } = shell.run(`compare ${honest} ${golden} --layers --token 0 --mapping names.json`)
    expect(code).toBe(2)
    expect(stderr).toContain(
      `names.json: ${problem}; expected an object of layer names, such as { "root.lm_head": "67_LmHead" }, or of arrays of the parts of a fused module`,
    )
  })

  test.each([
    ['--layers', 'compare --layers needs the token whose layers are compared: --token 3'],
    ['--token 0', '--token needs --layers'],
    ['--layers --token 0 --steps 0', '--steps has no meaning with --layers'],
    ['--layers --token 0 -kl 0.1', '--kl-divergence has no meaning with --layers'],
    ['--layers --token 0 --strict', '--strict has no meaning with --layers'],
    ['--layers --token 0 --limit l1Norm=1', '--limit has no meaning with --layers'],
  ])('refuses %s', (flags, message) => {
    const { code, stderr } = new Shell().run(`compare ${honest} ${golden} ${flags}`)
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })
})
