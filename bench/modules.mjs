import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'rolldown'

const ROOT = join(import.meta.dirname, '..')

/** Bundles modules of `src` that no entry exports. Returns all their exports in one object. @param {readonly string[]} names such as `snapshots/types` */
export function modules(...names) {
  return modulesOf(ROOT, names)
}

/** The same of another checkout. */
export async function modulesOf(root, names) {
  // In the build, so that the dependencies resolve and workers find their programs.
  mkdirSync(join(root, 'dist'), { recursive: true })
  const dir = mkdtempSync(join(root, 'dist/modules-'))
  process.on('exit', () => rmSync(dir, { recursive: true, force: true }))
  // All in one folder, as in the build: a module finds others from where it lies.
  const keyOf = (name) => name.replace(/^[./]+/, '').replaceAll('/', '-')
  const input = Object.fromEntries(names.map((name) => [keyOf(name), join(root, 'src', `${name}.ts`)]))
  await build({ input, platform: 'node', output: { dir, format: 'esm', entryFileNames: '[name].mjs' } })
  const loaded = await Promise.all(names.map((name) => import(pathToFileURL(join(dir, `${keyOf(name)}.mjs`)).href)))
  return Object.assign({}, ...loaded)
}
