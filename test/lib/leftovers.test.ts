import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { removeLeftovers } from '../../src/lib/leftovers.js'

test('only old temporary files of writers of the path are removed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'leftovers-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const put = (name: string, hours: number) => {
    writeFileSync(join(folder, name), '')
    const time = Date.now() / 1000 - 3600 * hours
    utimesSync(join(folder, name), time, time)
  }
  for (const name of ['a.golden.12-0.tmp', 'a.golden.12-0.tmp.npz', 'a.golden.7.tmp']) put(name, 1.1)
  const kept = [
    'a.golden',
    'a.golden.npz',
    'a.golden.notes.tmp',
    'a.golden.tmp',
    'a.goldenb.12-0.tmp',
    'b.golden.12-0.tmp',
  ]
  for (const name of kept) put(name, 1.1)
  put('a.golden.13-0.tmp', 0.9)
  removeLeftovers(join(folder, 'a.golden'))
  expect(readdirSync(folder).sort()).toEqual([...kept, 'a.golden.13-0.tmp'].sort())
  removeLeftovers(join(folder, 'gone', 'a.golden'))
})
