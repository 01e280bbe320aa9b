import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')

/** The folder of the built package: `dist`, which `npm test` makes first, or a build of its own where that is missing. */
export function builtDist(): string {
  const dist = join(ROOT, 'dist')
  if (['esm', 'cjs'].every((half) => existsSync(join(dist, half, 'index.js')))) return dist
  const out = mkdtempSync(join(tmpdir(), 'golden-logits-dist-'))
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
  const run = (...args: string[]) =>
    execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', ...args], { cwd: ROOT })
  run('--outDir', join(out, 'esm'))
  run('--outDir', join(out, 'cjs'), '--module', 'commonjs', '--moduleResolution', 'bundler')
  return out
}
