import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { pth, type Tensor } from '../../build/logits.js'
import { Shell } from './cli.js'

/** Writes both folders, and runs the command. */
function compare(golden: Record<string, Tensor | string>, my: Record<string, Tensor | string>, flags = '') {
  const shell = new Shell()
  for (const [folder, files] of Object.entries({ golden, my })) {
    mkdirSync(shell.path(folder))
    for (const [name, file] of Object.entries(files)) {
      writeFileSync(shell.path(`${folder}/${name}`), typeof file === 'string' ? file : pth(file))
    }
  }
  const run = shell.run(`logitscmp -gp golden -mp my ${flags}`)
  const [name] = readdirSync(shell.path('output'))
  const [header, ...rows] = readFileSync(shell.path(`output/${name}`), 'utf8')
    .trim()
    .split('\n')
  return { ...run, name, header, rows: rows.map((row) => row.split(',')) }
}

const row = { values: [1, 2, 4, -3] }

describe('logitscmp', () => {
  test('writes the columns and the file name of the old tool', () => {
    const { code, header, name, rows, stderr } = compare(
      { 'logits_gsm8k_3_0.pth': row },
      { 'logits_gsm8k_3_0.pth': row },
    )
    expect(code).toBe(0)
    expect(name).toMatch(/^logits_cmp_res_\d{14}\.csv$/)
    expect(header).toBe(
      'file_name,key,token_id,cosine_similarity,kl_divergence,l1_norm,ulp_max_diff,ulp,passed,cmp_fail_reason',
    )
    // The spacing of float16 at 4 is 2^(2-10).
    expect(rows).toEqual([['logits_gsm8k_3_0.pth', '3', '0', '1.0', '0.0', '0.0', '0.0', '0.00390625', 'True', '']])
    expect(stderr).toMatch(/output\/logits_cmp_res_\d{14}\.csv \(1 file, 0 not passed\)/)
  })

  test('judges by the three limits, or by maxima within one ULP at the same id', () => {
    const files = (values: number[]) => ({ 'logits_a_0_0.pth': { values } })
    const passed = (values: number[], flags = '') => compare(files(row.values), files(values), flags).rows[0]![8]
    // L1 is (1 + 2 + 4 + 4) / 10 - 1 = 0.1, and the maximum is the same.
    expect(passed([1, 2, 4, -4])).toBe('True')
    expect(passed([1, 2, 4.5, -3])).toBe('False')
    expect(passed([1, 2, 4.5, -3], '-cs 0.9 -kl 1 -l1 0.1')).toBe('True')
    // The same maximum at another id: the old tool passes it.
    expect(passed([1, 4, 2, -3])).toBe('False')
    // L1 is -0.9: the old tool passes it, because -0.9 is below the limit.
    expect(passed([0.1, 0.2, 0.4, -0.3], '-kl 10')).toBe('False')
    expect(compare(files(row.values), files([1, 2, 4, -4])).rows[0]![5]).toBe('0.1')
  })

  test('warns of a folder that is compared with itself, and not of a copy', () => {
    const shell = new Shell()
    for (const folder of ['a', 'copy']) {
      mkdirSync(shell.path(folder))
      for (const step of [0, 1]) writeFileSync(shell.path(`${folder}/logits_a_0_${step}.pth`), pth(row))
    }
    symlinkSync('a', shell.path('link'))
    symlinkSync('gone.pth', shell.path('a/logits_a_0_2.pth'))
    for (const my of ['a', 'link']) {
      const { code, stderr } = shell.run(`logitscmp -gp a -mp ${my}`)
      expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining('2 files of the tested side are') })
    }
    const { code, stderr } = shell.run('logitscmp -gp a/logits_a_0_[01].pth -mp copy')
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining('warning') })
  })

  test('takes several folders and files, and patterns of them', () => {
    const shell = new Shell()
    for (const path of ['g1/logits_a_0_0.pth', 'g2/logits_a_0_1.pth', 'm1/logits_a_0_0.pth', 'm2/logits_a_0_1.pth']) {
      mkdirSync(shell.path(dirname(path)), { recursive: true })
      writeFileSync(shell.path(path), pth(row))
    }
    for (const sides of ['-gp g1 g2 -mp m1 m2', '-gp g*/*.pth -mp m*/*.pth', "--golden-path 'g*' --my-path m1 m2/*"]) {
      const { code, stderr } = shell.run(`logitscmp ${sides}`)
      expect({ sides, code }).toEqual({ sides, code: 0 })
      expect(stderr).toContain('(2 files, 0 not passed)')
    }
    expect(shell.run('logitscmp -gp g1 g1/*.pth -mp m1').stderr).toContain('(1 file, 0 not passed)')
    expect(shell.run('logitscmp -gp g* -mp m1').code).toBe(1)
    writeFileSync(shell.path('g2/logits_a_0_0.pth'), pth(row))
    const { code, stderr } = shell.run('logitscmp -gp g1 g2 -mp m1')
    expect(code).toBe(2)
    expect(stderr).toContain(
      'g2/logits_a_0_0.pth: logitscmp pairs files by their names, and g1/logits_a_0_0.pth has the same name',
    )
    expect(shell.run('logitscmp -gp g1 -mp package.json').code).toBe(3)
  })

  test('sorts by case and token, and keeps files that have no place or no partner', () => {
    const names = ['logits_x_10_0.pth', 'logits_x_2_1.pth', 'logits_x_2_0.pth', 'logits_x_cpp_1_0.pth', 'odd.pth']
    const golden = Object.fromEntries(names.map((name) => [name, row]))
    const { code, rows } = compare({ ...golden, 'logits_x_9_9.pth': row }, { ...golden, 'logits_x_8_8.pth': row })
    expect(code).toBe(1)
    expect(rows.map(([name, key, , , , , , , passed, reason]) => [name, key, passed, reason])).toEqual([
      ['logits_x_2_0.pth', '2', 'True', ''],
      ['logits_x_2_1.pth', '2', 'True', ''],
      ['logits_x_10_0.pth', '10', 'True', ''],
      ['logits_x_cpp_1_0.pth', 'cpp/1', 'True', ''],
      ['odd.pth', 'NA', 'NA', 'parse_error:the name does not end in a case and a token'],
      ['logits_x_9_9.pth', 'NA', 'NA', 'only_in_golden_path'],
      ['logits_x_8_8.pth', 'NA', 'NA', 'only_in_my_path'],
    ])
  })

  test('gives rows that cannot be compared a reason, and no number', () => {
    const reasonOf = (my: Tensor | string, expected = 1) => {
      const { code, rows } = compare({ 'logits_a_0_0.pth': row }, { 'logits_a_0_0.pth': my })
      expect(code).toBe(expected)
      expect(rows[0]!.slice(3, 9)).toEqual(['NA', 'NA', 'NA', 'NA', 'NA', 'NA'])
      return rows[0]!.slice(9).join(',')
    }
    expect(reasonOf({ values: [1, 2, 3] })).toBe("data shape doesn't match.")
    expect(reasonOf({ values: [1, 2, 4, Number.NaN] })).toContain('dump holds 1 NaN, first at vocab id 3')
    expect(reasonOf('no tensor', 3)).toContain('logits_a_0_0.pth')
    const two = { 'logits_a_0_0.pth': { values: [1, 2, 4, 3], shape: [2, 2] } }
    expect(compare(two, two).rows[0]!.slice(9).join()).toContain('the golden holds 2 rows at token 0, shape [2, 2]')
    const both = { 'logits_a_0_0.pth': row, 'logits_a_0_1.pth': row }
    const other = { values: [4, 3, 2, 1] }
    expect(compare(both, { 'logits_a_0_0.pth': 'no tensor', 'logits_a_0_1.pth': row }).code).toBe(3)
    expect(compare(both, { 'logits_a_0_0.pth': 'no tensor', 'logits_a_0_1.pth': other }).code).toBe(1)
  })

  test('refuses what it cannot use', () => {
    const shell = new Shell()
    mkdirSync(shell.path('a'))
    expect(shell.run('logitscmp -gp a')).toMatchObject({ code: 2, stderr: expect.stringContaining('--my-path') })
    expect(shell.run('logitscmp -gp a -mp b').code).toBe(3)
    expect(shell.run('logitscmp -gp a -mp a').stderr).toContain(
      '0 .pth files of the golden and 0 .pth files of the tested side: no two have the same name; files are paired by their names',
    )
    for (const flags of ['-cs 2', '-kl 0', '-l1 -1']) {
      expect(shell.run(`logitscmp -gp a -mp a ${flags}`)).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/the threshold \w+ must be/),
      })
    }
    expect(shell.run('logitscmp -gp a -mp a -d int8').stderr).toContain('--dtype must be fp16, bf16 or fp32, not int8')
  })
})
