import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { afterAll, expect, test } from 'vitest'
import { compareDumps, loadDump } from '../../../src/index.js'
import { OPTIONAL } from '../../../src/metrics/optional/table.js'
import { type ComparisonReport, comparisonReport, reportByRun, reportDocument } from '../../../src/report/document.js'
import { inconclusive, partlyMissing, treeReport } from '../html/build.js'
import { reportJson } from '../report-json.js'

const ROOT = join(import.meta.dirname, '../../..')
const folder = mkdtempSync(join(tmpdir(), 'schema-'))
afterAll(() => rmSync(folder, { recursive: true }))

const text = readFileSync(join(ROOT, 'report.schema.json'), 'utf8')
const validate = new Ajv({ allErrors: true }).compile(JSON.parse(text))

function errorsOf(...reports: ComparisonReport[]): unknown {
  validate(JSON.parse(reportJson(reportDocument(reports))))
  return validate.errors ?? []
}

/** What the command compare reports. */
function compared(...args: string[]): ComparisonReport {
  const run = join(ROOT, 'dist/esm/cli.js')
  const options = { encoding: 'utf8' as const, cwd: folder, stdio: 'pipe' as const }
  const output = (() => {
    try {
      return execFileSync(process.execPath, [run, 'compare', ...args, '--json'], options)
    } catch (error) {
      return (error as { stdout: string }).stdout
    }
  })()
  const { comparisons } = JSON.parse(output) as { comparisons: ComparisonReport[] }
  return comparisons[0]!
}

const fixture = (...parts: string[]) => join(ROOT, 'test/fixtures', ...parts)
const example = (name: string) => join(ROOT, 'examples/dumps', name)

test('the schema is what the types of the report say', () => {
  const made = join(folder, 'made.json')
  execFileSync(process.execPath, [join(ROOT, 'scripts/report-schema.mjs'), made])
  expect(readFileSync(made, 'utf8'), 'run node scripts/report-schema.mjs').toBe(text)
})

test('reports of dumps keep it', () => {
  const all = compareDumps(loadDump(example('npu-degraded')), loadDump(example('gpu')), {
    metrics: OPTIONAL.map(({ key }) => key),
  })
  for (const report of [
    treeReport('a_clean_f32_vs_f16'),
    treeReport('b_token3_degraded'),
    partlyMissing(),
    inconclusive(),
    ...reportByRun(comparisonReport(all, 'all metrics')),
  ]) {
    expect(errorsOf(report), report.title).toEqual([])
  }
})

test.each([
  ['of servers', [fixture('answers/completion-20.json'), fixture('answers/completion-all.json')]],
  ['of llama.cpp', [fixture('kld/narrow-q8_0.kld'), fixture('kld/narrow-f32.kld')]],
  ['of layers', [...['npu-degraded', 'gpu'].map(example), '--layers', '--token', '3']],
])('reports %s keep it', (_, args) => {
  expect(errorsOf(compared(...args))).toEqual([])
})

test('an unknown field, a missing one and a number that is text break it', () => {
  const report = treeReport('b_token3_degraded')
  const { pass: _, ...others } = report
  const tokens = report.tokens.map((token) => ({ ...token, step: 'three' }))
  const unknown = { ...report, passes: true } as ComparisonReport
  expect(errorsOf(unknown)).toMatchObject([{ params: { additionalProperty: 'passes' } }])
  expect(errorsOf(others as ComparisonReport)).toMatchObject([{ params: { missingProperty: 'pass' } }])
  expect(errorsOf({ ...report, tokens: tokens as unknown as ComparisonReport['tokens'] })).not.toEqual([])
})
