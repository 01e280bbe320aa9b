import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

// In the folder that vitest.config.ts removes at the end of the run.
const ROOT = realpathSync(mkdtempSync(join(tmpdir(), 'golden-logits-trees-')))

/** Files by path: their bytes or text; `null` makes an empty folder. */
export type Files = Readonly<Record<string, Uint8Array | string | null>>

/** Writes files into a new folder, which is removed at the end of the run. @returns the folder */
export function writeTree(files: Files): string {
  const folder = mkdtempSync(join(ROOT, 'tree-'))
  for (const [path, content] of Object.entries(files)) {
    const target = join(folder, path)
    mkdirSync(content === null ? target : dirname(target), { recursive: true })
    if (content !== null) writeFileSync(target, content)
  }
  return folder
}
