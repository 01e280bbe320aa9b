import { execFileSync } from 'node:child_process'
import { existsSync, linkSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readWhole } from '../../src/io/read-whole.js'
import { writeTree } from '../build/tree.js'

const posix = process.platform !== 'win32'
const bytes = Uint8Array.from({ length: 300 }, (_, i) => i * 7)
const folder = writeTree({ 'a.bin': bytes, 'empty.bin': '' })
const file = join(folder, 'a.bin')

test('a file of this size, also through links', () => {
  symlinkSync(file, join(folder, 'link.bin'))
  linkSync(file, join(folder, 'same.bin'))
  for (const name of ['a.bin', 'link.bin', 'same.bin']) {
    const into = new Uint8Array(320).fill(0xee)
    expect(readWhole(join(folder, name), 300, into)).toBe(true)
    expect([...into]).toEqual([...bytes, ...new Array(20).fill(0xee)])
  }
})

describe('a file of another size, or none', () => {
  test.each([0, 299, 301, 4096])('300 bytes instead of %i', (size) => {
    expect(readWhole(file, size, new Uint8Array(size + 1))).toBe(false)
  })

  test('a missing file, a folder, and a buffer that is too small', () => {
    expect(readWhole(join(folder, 'none.bin'), 300, new Uint8Array(301))).toBe(false)
    expect(readWhole(join(file, 'none.bin'), 300, new Uint8Array(301))).toBe(false)
    mkdirSync(join(folder, 'sub'))
    const { size } = statSync(join(folder, 'sub'))
    expect(readWhole(join(folder, 'sub'), size, new Uint8Array(size + 1))).toBe(false)
    expect(readWhole(file, 300, new Uint8Array(300))).toBe(false)
  })

  test.runIf(posix)('a FIFO and a device, whose size is 0', () => {
    execFileSync('mkfifo', [join(folder, 'fifo')])
    for (const path of [join(folder, 'fifo'), '/dev/null']) expect(readWhole(path, 0, new Uint8Array(1))).toBe(false)
  })

  // Its size is always that of a page.
  const shorter = '/sys/kernel/mm/transparent_hugepage/enabled'
  test.runIf(existsSync(shorter))('one that is shorter than it says', () => {
    const { size } = statSync(shorter)
    expect(readFileSync(shorter).length).toBeLessThan(size)
    expect(readWhole(shorter, size, new Uint8Array(size + 1))).toBe(false)
  })

  test('a file that grows meanwhile is detected by the extra byte', () => {
    const grown = join(folder, 'grown.bin')
    writeFileSync(grown, bytes)
    const into = new Uint8Array(301)
    expect(readWhole(grown, 300, into)).toBe(true)
    writeFileSync(grown, Uint8Array.from([...bytes, 1]))
    expect(readWhole(grown, 300, into)).toBe(false)
  })
})
