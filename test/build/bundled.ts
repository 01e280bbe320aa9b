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
 * A module of `src` as a CommonJS file, with all that it imports: for child processes, which run no TypeScript, and need what
 * no entry exports.
 */
export async function bundled(module: string): Promise<string> {
  mkdirSync(RUNS, { recursive: true })
  const folder = mkdtempSync(join(RUNS, 'bundled-'))
  made.push(folder)
  const file = join(folder, 'module.cjs')
  await build({ input: join(ROOT, 'src', `${module}.ts`), platform: 'node', output: { file, format: 'cjs' } })
  return file
}
