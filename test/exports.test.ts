import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  exports: Record<string, { import: { default: string } } | string>
}

/** The names that an entry exports, values and types, as its source spells them. */
function exportsOf(target: string): string[] {
  const source = readFileSync(join(ROOT, target.replace('./dist/esm/', 'src/').replace(/\.js$/, '.ts')), 'utf8')
  const lists = [...source.matchAll(/^export (type )?\{([^}]*)\}/gms)].flatMap(([, type = '', names]) =>
    names!
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean)
      .map((name) => `${type}${name}`),
  )
  const declared = [...source.matchAll(/^export (?:declare )?(const|function|class|interface|type) (\w+)/gm)].map(
    ([, kind, name]) => (kind === 'interface' || kind === 'type' ? `type ${name}` : name!),
  )
  const whole = [...source.matchAll(/^export (default|\*)/gm)].map(([, what]) => what!)
  return [...lists, ...declared, ...whole].sort()
}

test('the public exports of every entry: they change on purpose', () => {
  const entries = Object.entries(exports).map(([entry, target]) => [
    entry,
    typeof target === 'string' ? target : exportsOf(target.import.default),
  ])
  expect(Object.fromEntries(entries)).toMatchInlineSnapshot(`
    {
      ".": [
        "GoldenLogitsError",
        "calibrate",
        "calibrationText",
        "compareDumps",
        "lazyDumps",
        "loadDump",
        "logitsOf",
        "readTensors",
        "stratifiedIds",
        "type AcceptedPair",
        "type BaselineFacts",
        "type BaselineRunKey",
        "type Budgets",
        "type CalibrateOptions",
        "type CalibratedRunKey",
        "type Calibration",
        "type CalibrationKey",
        "type CompareOptions",
        "type Comparison",
        "type Counts",
        "type Decoding",
        "type Dtype",
        "type Dump",
        "type DumpSource",
        "type DumpStep",
        "type ErrorCode",
        "type ErrorDetails",
        "type Float16Logits",
        "type IgnoredPath",
        "type LazyTensor",
        "type LoadDumpOptions",
        "type LogitsArray",
        "type LogitsOptions",
        "type LogitsTensor",
        "type MeasuredRunKey",
        "type MetricSpread",
        "type Metrics",
        "type NonFinite",
        "type Note",
        "type OtherSequence",
        "type Precision",
        "type PrecisionName",
        "type ProposedLimit",
        "type QuantityKey",
        "type RunKey",
        "type RunNoise",
        "type RunVerdict",
        "type Support",
        "type Thresholds",
        "type TokenComparison",
        "type TokenLimitKey",
        "type TokenNoise",
        "type TokenSide",
        "type Verdict",
      ],
      "./browser": [
        "GoldenLogitsError",
        "compareDumps",
        "logitsOf",
        "type CompareOptions",
        "type Comparison",
        "type Dump",
        "type ErrorCode",
        "type Float16Logits",
        "type LogitsArray",
        "type LogitsOptions",
        "type LogitsTensor",
        "type TokenComparison",
      ],
      "./jest": [],
      "./matchers": [
        "matchers",
        "toMatchGoldenLayers",
        "toMatchGoldenLogits",
        "toMatchLogitsSnapshot",
        "toReproduceLogits",
        "type DumpOrPath",
        "type LayersOptions",
        "type MatcherContext",
        "type MatcherResult",
        "type ReproduceOptions",
        "type SnapshotOptions",
      ],
      "./package.json": "./package.json",
      "./report.schema.json": "./report.schema.json",
      "./reporter": [
        "default",
        "type ReporterOptions",
      ],
      "./vitest": [
        "dumpFixtures",
        "type DumpFixture",
      ],
    }
  `)
})

test('the values among them are there at run time', async () => {
  const index = await import('../src/index.js')
  const matchers = await import('../src/matchers.js')
  for (const [entry, module] of [
    ['.', index],
    ['./matchers', matchers],
  ] as const) {
    const { import: target } = exports[entry] as { import: { default: string } }
    const values = exportsOf(target.default).filter((name) => !name.startsWith('type '))
    expect(Object.keys(module).sort()).toEqual(values)
  }
})
