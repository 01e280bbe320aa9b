import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kindOf, listFolder, listNames } from '../../src/io/folder.js'
import { expectRefusal } from '../formats/build/refusal.js'
import { asNobody, canBeNobody } from './nobody.js'

let dir = ''
const at = (...names: string[]) => join(dir, ...names)

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'golden-logits-'))
  chmodSync(dir, 0o755)
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const posix = process.platform !== 'win32'

test('entries are in numeric order and have a kind', () => {
  mkdirSync(at('steps'))
  for (const name of ['10', '9', '0', '0_10', '0_9']) mkdirSync(at('steps', name))
  writeFileSync(at('steps', 'a10.pth'), '')
  writeFileSync(at('steps', 'a9.pth'), '')
  expect(listFolder(at('steps'))).toEqual([...listNames(at('steps'))])
  expect(listFolder(at('steps')).map(({ name, kind }) => `${name} ${kind}`)).toEqual([
    '0 folder',
    '0_9 folder',
    '0_10 folder',
    '9 folder',
    '10 folder',
    'a9.pth file',
    'a10.pth file',
  ])
})

test.runIf(posix)('links to files are files; links to folders and broken or circular links stay links', () => {
  mkdirSync(at('links'))
  writeFileSync(at('links', 'file'), '')
  symlinkSync('file', at('links', 'to-file'))
  symlinkSync('.', at('links', 'to-itself'))
  symlinkSync('..', at('links', 'to-parent'))
  symlinkSync('gone', at('links', 'to-nothing'))
  symlinkSync('circle-b', at('links', 'circle-a'))
  symlinkSync('circle-a', at('links', 'circle-b'))
  symlinkSync('/dev/zero', at('links', 'to-device'))
  execFileSync('mkfifo', [at('links', 'fifo')])
  expect(listFolder(at('links'))).toEqual([...listNames(at('links'))])
  expect(Object.fromEntries(listFolder(at('links')).map(({ name, kind }) => [name, kind]))).toEqual({
    file: 'file',
    'to-file': 'file',
    'to-itself': 'link',
    'to-parent': 'link',
    'to-nothing': 'link',
    'circle-a': 'link',
    'circle-b': 'link',
    'to-device': 'link',
    fifo: 'other',
  })
})

test.runIf(posix)('kindOf: a file, a folder, something else, a broken link, or nothing', () => {
  mkdirSync(at('kinds'))
  writeFileSync(at('kinds', 'file'), '')
  symlinkSync('file', at('kinds', 'to-file'))
  symlinkSync('..', at('kinds', 'to-folder'))
  symlinkSync('gone', at('kinds', 'to-nothing'))
  const kinds = ['', 'file', 'to-file', 'to-folder', 'to-nothing', 'none'].map((name) => kindOf(at('kinds', name)))
  expect(kinds).toEqual(['folder', 'file', 'file', 'folder', 'link', undefined])
  expect(kindOf('/dev/null')).toBe('other')
  symlinkSync('circle', at('kinds', 'circle'))
  expect(kindOf(at('kinds', 'circle'))).toBe('link')
  const long = at('kinds', 'x'.repeat(300))
  expectRefusal(() => kindOf(long), 'read-failed', 'cannot look at the path (ENAMETOOLONG)', long)
})

describe.each([
  ['listFolder', listFolder],
  ['listNames', listNames],
])('a folder that cannot be listed, by %s', (_, list) => {
  test('is missing', () => {
    const none = at('none')
    expectRefusal(() => list(none), 'file-not-found', 'cannot list the folder (ENOENT)', none)
  })

  test('is a file', () => {
    writeFileSync(at('plain'), '')
    const plain = at('plain')
    expectRefusal(() => list(plain), 'file-not-found', 'cannot list the folder (ENOTDIR)', plain)
  })

  test.runIf(canBeNobody)('without permission', () => {
    mkdirSync(at('closed'), { recursive: true })
    chmodSync(at('closed'), 0o000)
    const closed = at('closed')
    const message = 'cannot list the folder (EACCES)'
    asNobody(() => expectRefusal(() => list(closed), 'permission-denied', message, closed))
    chmodSync(at('closed'), 0o700)
  })

  test('is an invalid argument', () => {
    expect(() => list(undefined as unknown as string)).toThrow()
    expect(() => kindOf('a\0b')).toThrow()
  })
})

test.runIf(posix)('names with control characters are listed unchanged', () => {
  mkdirSync(at('wild'))
  const names = ['line\nbreak', '\u001b[31mred', 'right\u202eto-left', '-rf', '=cmd()', '__proto__']
  for (const name of names) writeFileSync(at('wild', name), '')
  expect(
    listFolder(at('wild'))
      .map(({ name }) => name)
      .sort(),
  ).toEqual([...names].sort())
})
