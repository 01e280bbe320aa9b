import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'rolldown'
import { afterAll } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const RUNS = join(ROOT, 'test/projects/.run')

const made: string[] = []
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true })
})

/**
 * Bundles a module of `src` into a CommonJS file, for child processes, which cannot run TypeScript or import internal
 * modules.
 */
export async function bundled(module: string): Promise<string> {
  mkdirSync(RUNS, { recursive: true })
  const folder = mkdtempSync(join(RUNS, 'bundled-'))
  made.push(folder)
  const file = join(folder, 'module.cjs')
  await build({ input: join(ROOT, 'src', `${module}.ts`), platform: 'node', output: { file, format: 'cjs' } })
  return file
}
