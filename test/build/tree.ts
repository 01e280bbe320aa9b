import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll } from 'vitest'

const ROOT = realpathSync(mkdtempSync(join(tmpdir(), 'golden-logits-trees-')))

afterAll(() => rmSync(ROOT, { recursive: true, force: true }))

/** Files by path: their bytes or text; `null` makes an empty folder. */
export type Files = Readonly<Record<string, Uint8Array | string | null>>

/** Writes files into a new folder, which is removed after the tests of the file. @returns the folder */
export function writeTree(files: Files): string {
  const folder = mkdtempSync(join(ROOT, 'tree-'))
  for (const [path, content] of Object.entries(files)) {
    const target = join(folder, path)
    mkdirSync(content === null ? target : dirname(target), { recursive: true })
    if (content !== null) writeFileSync(target, content)
  }
  return folder
}
