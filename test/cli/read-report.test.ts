import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { cellsIn, indexReport } from '../../src/cli/read-report.js'
import { errorOf } from '../build/error-of.js'

const COLUMNS = ['token_id', 'test_file', 'project', 'pass', 'expectation', 'verdict', 'report_rows']
const HEADER = `${COLUMNS.join()}\n`
let root: string
let file: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'report-'))
  file = join(root, 'report.csv')
  return () => rmSync(root, { recursive: true })
})

test('cells with line ends and quotes are read in their places', () => {
  writeFileSync(file, `\uFEFF${HEADER}0,"a\n""b"".ts",é,true,met,pass,2\n1,"a\n""b"".ts",é,false,met,pass,2\n`)
  const [span, ...others] = indexReport(file, COLUMNS)
  expect(others).toEqual([])
  expect(span).toMatchObject({ place: { project: 'é', file: 'a\n"b".ts' }, rows: 2, failed: 0 })
  expect([...cellsIn(file, span!.from, span!.to)].map(([token, name]) => [token, name])).toEqual([
    ['0', 'a\n"b".ts'],
    ['1', 'a\n"b".ts'],
  ])
})

test('a file in another encoding is refused: its names would change', () => {
  writeFileSync(file, Buffer.from(`${HEADER}0,\xe9.ts,,true,met,pass,1\n`, 'latin1'))
  const error = errorOf(() => indexReport(file, COLUMNS))
  expect(error.code).toBe('unsupported-format')
  expect(error.message).toMatch(/report\.csv: the line at byte 64 is not UTF-8: did another program save the file\?$/)
})

test('a quote that is never closed is refused soon', () => {
  writeFileSync(file, `${HEADER}0,"a.ts,,true,met,pass,1\n${'1,b.ts,,true,met,pass,1\n'.repeat(1_000_000)}`)
  const started = performance.now()
  const error = errorOf(() => indexReport(file, COLUMNS))
  expect(error.code).toBe('unsupported-format')
  expect(error.message).toMatch(
    /a quoted cell of the row at byte 64 does not end within 16777216 bytes: was it edited\?$/,
  )
  expect(performance.now() - started).toBeLessThan(10_000)
})
