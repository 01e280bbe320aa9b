import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ScratchFile } from '../../../src/compare/rows/scratch-file.js'
import { bundled } from '../../build/bundled.js'

const fs = vi.hoisted(() => ({
  most: Number.POSITIVE_INFINITY,
  room: Number.POSITIVE_INFINITY,
  opened: [] as number[],
}))

vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>()
  /** A system that serves so many bytes a call, and a disk that has room for so many. */
  const writeSync = (fd: number, bytes: Uint8Array, from: number, length: number, at: number) => {
    if (fs.room === 0) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    const count = real.writeSync(fd, bytes, from, Math.min(length, fs.most, fs.room), at)
    fs.room -= count
    return count
  }
  const readSync = (fd: number, into: Uint8Array, from: number, length: number, at: number) =>
    real.readSync(fd, into, from, Math.min(length, fs.most), at)
  const openSync = (...args: Parameters<typeof real.openSync>) => {
    const descriptor = real.openSync(...args)
    fs.opened.push(descriptor)
    return descriptor
  }
  return { ...real, writeSync, readSync, openSync }
})

const folder = mkdtempSync(join(tmpdir(), 'golden-logits-scratch-'))
const { TMPDIR } = process.env
beforeEach(() => {
  process.env.TMPDIR = folder
  Object.assign(fs, { most: Number.POSITIVE_INFINITY, room: Number.POSITIVE_INFINITY, opened: [] })
})
afterEach(() => {
  if (TMPDIR === undefined) delete process.env.TMPDIR
  else process.env.TMPDIR = TMPDIR
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const bytes = (length: number, seed = 0) => Uint8Array.from({ length }, (_, i) => (i * 7 + seed) & 255)

function readBack(file: ScratchFile, length: number, position: number): Uint8Array {
  const into = new Uint8Array(length)
  file.read(into, position)
  return into
}

describe('what was written comes back', () => {
  test.each([
    ['whole', Number.POSITIVE_INFINITY],
    ['from a system that serves seven bytes at a time', 7],
  ])('%s', (_, most) => {
    fs.most = most
    const file = new ScratchFile()
    expect(file.write(bytes(100), 1000)).toBe(true)
    expect(file.write(bytes(50, 3), 0)).toBe(true)
    expect(readBack(file, 100, 1000)).toEqual(bytes(100))
    expect(file.write(bytes(10, 9), 1010)).toBe(true)
    expect(readBack(file, 30, 1000)).toEqual(
      Uint8Array.from([...bytes(10), ...bytes(10, 9), ...bytes(100).subarray(20, 30)]),
    )
    expect(readBack(file, 50, 0)).toEqual(bytes(50, 3))
  })
})

test.skipIf(process.platform === 'win32')('the file has no name, and is for its owner alone', async () => {
  const file = new ScratchFile()
  expect(readdirSync(folder)).toEqual([])
  expect(fs.opened).toEqual([])
  file.write(bytes(10), 0)
  expect(readdirSync(folder)).toEqual([])
  const { fstatSync } = await import('node:fs')
  const { mode, nlink } = fstatSync(fs.opened[0]!)
  expect([mode & 0o777, nlink]).toEqual([0o600, 0])
  expect(readBack(file, 10, 0)).toEqual(bytes(10))
})

describe('what the system does not take', () => {
  test('a temporary folder that is not there', () => {
    process.env.TMPDIR = join(folder, 'absent')
    const file = new ScratchFile()
    expect(file.write(bytes(10), 0)).toBe(false)
    process.env.TMPDIR = folder
    // It is asked no more.
    expect(file.write(bytes(10), 0)).toBe(false)
    expect(fs.opened).toEqual([])
  })

  test('a disk that fills up: what was written before stays', () => {
    fs.room = 150
    const file = new ScratchFile()
    expect(file.write(bytes(100), 0)).toBe(true)
    expect(file.write(bytes(100), 100)).toBe(false)
    fs.room = 1000
    expect(file.write(bytes(1), 200)).toBe(false)
    expect(readBack(file, 100, 0)).toEqual(bytes(100))
  })

  test('a file that cannot be read again is an error', () => {
    const file = new ScratchFile()
    file.write(bytes(10), 0)
    expect(() => file.read(new Uint8Array(11), 0)).toThrow(
      'results kept in a temporary file cannot be read again (it ends too early); check the disk',
    )
  })
})

/** Makes files in a process of its own, lets go of them, and tells how many descriptors are open before, meanwhile and after. */
async function descriptors(load: string): Promise<{ counts: number[]; left: string[] }> {
  const own = mkdtempSync(join(folder, 'child-'))
  const script = `
    const vm = require('node:vm'), fs = require('node:fs')
    const open = () => fs.readdirSync('/proc/self/fd').length
    const path = ${JSON.stringify(await bundled('compare/rows/scratch-file'))}
    function make() {
      const { ScratchFile } = ${load}
      return [1, 2, 3].map(() => {
        const file = new ScratchFile()
        if (!file.write(new Uint8Array(10), 0)) throw new Error('not written')
        return file
      })
    }
    let files = make()
    const counts = [open()]
    setTimeout(() => (files = undefined), 10)
    const until = Date.now() + 5000
    const timer = setInterval(() => {
      globalThis.gc()
      if (files || (open() > counts[0] - 3 && Date.now() < until)) return
      counts.push(open())
      clearInterval(timer)
      // One that is open does not keep the process.
      globalThis.last = make()
      console.log(JSON.stringify({ counts, left: fs.readdirSync(process.env.TMPDIR) }))
    }, 10)`
  const options = { encoding: 'utf8' as const, env: { ...process.env, TMPDIR: own }, timeout: 20_000 }
  return JSON.parse(execFileSync(process.execPath, ['--expose-gc', '-e', script], options))
}

describe.skipIf(!existsSync('/proc/self/fd'))('descriptors of files that nobody holds are closed', () => {
  test.each([
    ['where the module stays', 'require(path)'],
    [
      'where a runner forgets the module with its context',
      `(() => {
        const module = { exports: {} }
        const context = vm.createContext({ process: { ...process, env: process.env }, Buffer })
        vm.runInContext('(function (module, exports, require) {' + fs.readFileSync(path, 'utf8') + '})', context)(module, module.exports, require)
        return module.exports
      })()`,
    ],
  ])('%s', async (_, load) => {
    const { counts, left } = await descriptors(load)
    expect(counts[0]! - counts[1]!).toBe(3)
    expect(left).toEqual([])
  })
})

test('where an open file cannot lose its name, it is removed when the process ends', async () => {
  const own = mkdtempSync(join(folder, 'child-'))
  const script = `
    const fs = require('node:fs')
    const { rmSync } = fs
    let refused = 0
    fs.rmSync = () => {
      refused++
      throw new Error('EBUSY')
    }
    process.on('exit', () => (fs.rmSync = rmSync))
    const { ScratchFile } = require(${JSON.stringify(await bundled('compare/rows/scratch-file'))})
    const files = [new ScratchFile(), new ScratchFile()]
    const written = files.map((file) => file.write(new Uint8Array(10), 0))
    console.log(JSON.stringify({ refused, written, named: fs.readdirSync(process.env.TMPDIR).length }))`
  const options = { encoding: 'utf8' as const, env: { ...process.env, TMPDIR: own } }
  const found = JSON.parse(execFileSync(process.execPath, ['-e', script], options))
  expect(found).toEqual({ refused: 2, written: [true, true], named: 2 })
  expect(readdirSync(own)).toEqual([])
})
