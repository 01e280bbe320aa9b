import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'

const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')

/** The errors that the compiler reports for this code in a user's project. */
function errorsOf(code: string, types: readonly string[], name: string): string[] {
  // Inside the repository, so that `golden-logits` resolves to the build.
  mkdirSync(join(import.meta.dirname, '../projects/.run'), { recursive: true })
  const folder = mkdtempSync(join(import.meta.dirname, '../projects/.run/types-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, name), code)
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: 'es2023',
    module: 'nodenext',
    skipLibCheck: true,
    types: ['node', ...types],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [name] }))
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', folder], { cwd: folder, encoding: 'utf8' })
  return stdout.split('\n').filter((line) => line.includes('error TS'))
}

describe.each([
  ['vitest.ts', []],
  ['vitest-globals.ts', ['vitest/globals']],
  ['jest-globals.ts', []],
  ['jest-types.ts', ['jest']],
])('%s', (file, types) => {
  const read = (name: string) => readFileSync(join(import.meta.dirname, name), 'utf8')
  const code = read(file).replace('// quick\n', () => read('quick.ts'))

  test.each(['mts', 'cts'])('correct uses compile and mistakes do not, in a .%s file', (extension) => {
    // Vitest's types do not allow importing it from CommonJS.
    if (file === 'vitest.ts' && extension === 'cts') return expect(code).toContain("from 'vitest'")
    expect(errorsOf(code, types, `a.${extension}`)).toEqual([])
  })

  test('without its @ts-expect-error comment, each mistake is one error', () => {
    const marks = code.match(/@ts-expect-error/g)!.length
    const errors = errorsOf(code.replaceAll('@ts-expect-error', ''), types, 'a.mts')
    expect(marks).toBe(9)
    expect(errors.map((line) => /a\.mts\((\d+),/.exec(line)![1])).toHaveLength(marks)
  })
})
