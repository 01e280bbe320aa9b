import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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
