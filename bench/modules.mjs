import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'rolldown'

const ROOT = join(import.meta.dirname, '..')

/** Bundles modules of `src` that no entry exports. Returns all their exports in one object. @param {readonly string[]} names such as `snapshots/types` */
export async function modules(...names) {
  // Inside the repository, so that the dependencies resolve.
  mkdirSync(join(ROOT, '.cache'), { recursive: true })
  const dir = mkdtempSync(join(ROOT, '.cache/modules-'))
  process.on('exit', () => rmSync(dir, { recursive: true, force: true }))
  const input = Object.fromEntries(names.map((name) => [name, join(ROOT, 'src', `${name}.ts`)]))
  await build({ input, platform: 'node', output: { dir, format: 'esm', entryFileNames: '[name].mjs' } })
  const loaded = await Promise.all(names.map((name) => import(pathToFileURL(join(dir, `${name}.mjs`)).href)))
  return Object.assign({}, ...loaded)
}
