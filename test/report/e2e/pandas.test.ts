import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { torchDump } from '../../build/pair.js'
import { Shell } from '../../cli/e2e/cli.js'

const PYTHON = process.env.PYTHON ?? 'python3'
const hasPandas = spawnSync(PYTHON, ['-c', 'import pandas, numpy']).status === 0
if (!hasPandas) {
  console.warn(`skipped: there is no ${PYTHON}, or it has no pandas, so reading the CSV by pandas is not tested`)
}

interface Table {
  kinds: Record<string, 'bool' | 'integer' | 'float' | 'string' | 'empty'>
  rows: number
  kl: string[]
  expected: string[]
  pass: boolean[]
  tokens: number[]
  names: string[]
  over: number[]
}

/** Compares rows of logits, and reads the CSV of the comparison by pandas. */
function read(golden: readonly number[][], dump: readonly number[][], flags = ''): Table {
  const shell = new Shell()
  const [goldenPath, dumpPath] = [golden, dump].map((rows) => torchDump(rows.map((values) => ({ values }))))
  shell.run(`compare ${dumpPath} ${goldenPath} --decoding forced -o report.csv ${flags}`)
  const pairs = golden
    .slice(0, dump.length)
    .map((row, i) => [row, dump[i]!.map((x) => (Number.isFinite(x) ? x : -1e9))])
  const { status, stdout, stderr } = spawnSync(PYTHON, [join(import.meta.dirname, 'read_csv.py')], {
    encoding: 'utf8',
    input: JSON.stringify({ file: shell.path('report.csv'), pairs }),
  })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

const GOLDEN = [1, 2, 4, -3].map((x, step) => [x, 2, -1, 0.5, step + 3])
/** Token 1 is the golden's, token 3 differs in the most probable id, the others differ a little. */
const DUMP = GOLDEN.map((row, step) =>
  row.map((x, i) => x - ([2, -1, 2, 4][step] === i ? [0.25, 0, 0.25, 3][step]! : 0)),
)

/** Columns by what pandas must read them as, if every token was compared. */
const KINDS = {
  integer: ['token_id', 'data_id', 'golden_top1', 'my_top1', 'comparison', 'repetition', 'attempt', 'report_rows'],
  float: [
    ...['golden_max_value', 'golden_min_value', 'golden_mean_value', 'my_max_value', 'my_min_value', 'my_mean_value'],
    ...['cosine_similarity', 'max_relative_error', 'mean_relative_error', 'max_absolute_error', 'mean_absolute_error'],
    ...['kl_divergence', 'relative_euclidean_distance', 'kl_limit', 'cosine_limit', 'l1_norm', 'total_variation'],
  ],
  bool: ['pass', 'is_not', 'is_soft', 'is_poll'],
  string: [
    ...['golden_data_path', 'golden_dtype', 'golden_shape', 'my_data_path', 'my_dtype', 'my_shape', 'verdict'],
    ...['precision', 'golden_kind', 'my_kind', 'test_name', 'test_name_sure', 'matcher', 'expectation'],
  ],
} as const

describe.skipIf(!hasPandas)('pandas.read_csv', () => {
  test('reads each column with its type, and every number as it is', () => {
    const { kinds, rows, kl, expected, pass, tokens, over } = read(
      GOLDEN,
      DUMP,
      '-kl 0.01 -cs -0.9 --metrics l1Norm,totalVariation',
    )
    for (const [kind, names] of Object.entries(KINDS)) {
      for (const name of names) expect({ name, kind: kinds[name] }).toEqual({ name, kind })
    }
    expect({ rows, tokens }).toEqual({ rows: 4, tokens: [0, 1, 2, 3] })
    for (const [i, text] of kl.entries()) expect(Number(text)).toBeCloseTo(Number(expected[i]), 12)
    expect(kl[1]).toBe('0.0')
    expect(over).toEqual([3])
    expect(over).toEqual(tokens.filter((i) => Number(expected[i]) > 0.01))
    expect(pass).toEqual(expected.map((text) => Number(text) < 0.01))
  })

  test('reads integers without fractions as floats, in reports of such numbers alone', () => {
    const row = [[4, 2, 1, 0]]
    const { kinds, kl } = read(row, row, '-kl 1')
    expect(kl).toEqual(['0.0'])
    for (const name of KINDS.float.slice(0, 15)) expect({ name, kind: kinds[name] }).toEqual({ name, kind: 'float' })
  })

  test('reads an infinite divergence as infinity, in a column that stays float', () => {
    const { kinds, kl, over } = read(GOLDEN, DUMP.with(2, GOLDEN[2]!.with(0, Number.NEGATIVE_INFINITY)))
    expect(kl[2]).toBe('inf')
    expect(kinds.kl_divergence).toBe('float')
    expect(over).toContain(2)
  })

  test('keeps the types of numbers if a token is missing, whose cells are empty', () => {
    const { kinds, rows, kl, pass } = read(GOLDEN, DUMP.slice(0, 3))
    expect(rows).toBe(4)
    expect(kl[3]).toBe('nan')
    expect(pass[3]).toBe(false)
    for (const name of KINDS.float.slice(0, 15)) expect({ name, kind: kinds[name] }).toEqual({ name, kind: 'float' })
    expect(kinds).toMatchObject({ token_id: 'integer', pass: 'bool', verdict: 'string' })
    // In pandas, a column of integers with a gap is one of floats.
    expect(kinds).toMatchObject({ golden_top1: 'float', my_top1: 'float' })
  })
})
