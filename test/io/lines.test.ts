import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { linesOf, MOST_LINE } from '../../src/io/lines.js'
import { errorOf } from '../build/error-of.js'

let root: string
let file: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lines-'))
  file = join(root, 'a.jsonl')
  return () => rmSync(root, { recursive: true })
})

test('lines have their places in the file', () => {
  writeFileSync(file, 'a\n\nbé\n\xff')
  appendFileSync(file, Buffer.from([0xff]))
  expect([...linesOf(file)]).toEqual([
    { line: 'a', from: 0, to: 2, isComplete: true, isText: true },
    { line: '', from: 2, to: 3, isComplete: true, isText: true },
    { line: 'bé', from: 3, to: 7, isComplete: true, isText: true },
    { line: 'ÿ\ufffd', from: 7, to: 10, isComplete: false, isText: false },
  ])
  expect([...linesOf(file, 2, 7)].map(({ line }) => line)).toEqual(['', 'bé'])
  writeFileSync(file, '')
  expect([...linesOf(file)]).toEqual([])
})

test('lines of any length up to the limit are whole, wherever the pieces that are read end', () => {
  const lengths = [0, 65_534, 65_535, 65_536, 65_537, 3, 200_000, MOST_LINE]
  writeFileSync(file, lengths.map((length, i) => `${String(i).repeat(length)}\n`).join(''))
  const lines = [...linesOf(file)]
  expect(lines.map(({ line }) => line.length)).toEqual(lengths)
  expect(lines.every(({ line }, i) => line === String(i).repeat(lengths[i]!))).toBe(true)
  expect(lines.map(({ from }) => from)).toEqual([0, ...lines.map(({ to }) => to).slice(0, -1)])
})

test('a longer line is an error', () => {
  writeFileSync(file, `a\n${'b'.repeat(MOST_LINE + 1)}\n`)
  const error = errorOf(() => [...linesOf(file)])
  expect(error).toMatchObject({ code: 'limit-exceeded', file, offset: 2 })
  expect(error.message).toMatch(/a\.jsonl: the line at byte 2 has more than 16777216 bytes, which golden-logits never/)
})

test.skipIf(process.platform === 'win32')('what is no file is an error, and is not waited for', () => {
  const fifo = join(root, 'b.jsonl')
  execFileSync('mkfifo', [fifo])
  const device = join(root, 'c.jsonl')
  symlinkSync('/dev/zero', device)
  mkdirSync(file)
  for (const [path, kind] of [[fifo, 'a FIFO'] as const, [device, 'a device'] as const, [file, 'a folder'] as const]) {
    const error = errorOf(() => [...linesOf(path)])
    expect(error).toMatchObject({ code: 'not-a-regular-file', file: path })
    expect(error.message).toContain(`is ${kind}, expected a file`)
  }
})
