import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { withLock } from '../../src/snapshots/lock.js'
import { bundled } from '../build/bundled.js'

const folder = mkdtempSync(join(tmpdir(), 'lock-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('one worker at a time', async () => {
  const [path, log] = [join(folder, 'x.golden'), join(folder, 'log')]
  // Each worker logs when it enters and when it leaves: two at once would mix their lines.
  const script = `
    const { appendFileSync } = require('node:fs')
    const { withLock } = require(${JSON.stringify(await bundled('snapshots/lock'))})
    const [path, log, name] = process.argv.slice(1)
    for (let i = 0; i < 20; i++) {
      withLock(path, () => {
        appendFileSync(log, name + ' in\\n')
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3)
        appendFileSync(log, name + ' out\\n')
      })
    }`
  const workers = ['a', 'b', 'c'].map((name) =>
    spawn(process.execPath, ['-e', script, path, log, name], { stdio: 'inherit' }),
  )
  const codes = await Promise.all(workers.map(async (worker) => (await once(worker, 'exit'))[0]))
  expect(codes).toEqual([0, 0, 0])
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n')
  expect(lines).toHaveLength(2 * 3 * 20)
  for (let i = 0; i < lines.length; i += 2) {
    const [name] = lines[i]!.split(' ')
    expect(lines.slice(i, i + 2)).toEqual([`${name} in`, `${name} out`])
  }
  expect(existsSync(`${path}.lock`)).toBe(false)
})

test('a lock is released if the body throws', () => {
  const path = join(folder, 'y.golden')
  const body = () => {
    expect(existsSync(`${path}.lock`)).toBe(true)
    throw new Error('mine')
  }
  expect(() => withLock(path, body)).toThrow(/^mine$/)
  expect(existsSync(`${path}.lock`)).toBe(false)
})
