import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makeFolder } from '../../src/lib/make-folder.js'

test('folders are made with those above them; a file in the path is named', () => {
  const root = mkdtempSync(join(tmpdir(), 'make-folder-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  makeFolder(join(root, 'a', 'b', 'c'))
  makeFolder(join(root, 'a', 'b', 'c'))
  expect(existsSync(join(root, 'a', 'b', 'c'))).toBe(true)
  writeFileSync(join(root, 'file'), '')
  for (const path of [join(root, 'file'), join(root, 'file', 'x'), join(root, 'file', 'x', 'y')]) {
    expect(() => makeFolder(path)).toThrow(`a part of the path is a file, expected a folder: ${path}`)
  }
})

test.runIf(existsSync('/proc/self'))('a folder that takes no new ones is named, at once', () => {
  expect(() => makeFolder('/proc/golden-logits/a/b')).toThrow('no folder can be made in /proc: /proc/golden-logits')
})

test('a link to a folder is one, and a link to nothing is a file', () => {
  const root = mkdtempSync(join(tmpdir(), 'make-folder-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  makeFolder(join(root, 'a'))
  symlinkSync(join(root, 'a'), join(root, 'link'))
  makeFolder(join(root, 'link', 'b'))
  expect(existsSync(join(root, 'a', 'b'))).toBe(true)
  symlinkSync(join(root, 'gone'), join(root, 'dangling'))
  expect(() => makeFolder(join(root, 'dangling', 'b'))).toThrow('a part of the path is a file')
})
