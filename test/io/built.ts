import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')

/** The folder of the built package: `dist`, which `npm test` makes first, or a new build if it is missing. */
export function builtDist(): string {
  const dist = join(ROOT, 'dist')
  if (['esm', 'cjs'].every((half) => existsSync(join(dist, half, 'index.js')))) return dist
  const out = mkdtempSync(join(tmpdir(), 'golden-logits-dist-'))
  execFileSync(process.execPath, [join(ROOT, 'scripts/build.mjs'), out])
  return out
}
