import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from './project.mjs'
import { run, tail } from './run.mjs'

/**
 * Builds and packs the package as `npm publish` would. The file is deleted when the process ends.
 * @returns {Promise<{ file: string, size: number, unpackedSize: number, files: { path: string, size: number, mode: number }[] }>}
 */
export async function pack() {
  const folder = mkdtempSync(join(tmpdir(), 'golden-logits-pack-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const { code, out, err } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: ROOT })
  if (code !== 0) throw new Error(`npm pack failed:\n${tail(out + err)}`)
  const [packed] = JSON.parse(out.slice(out.search(/^\[$/m)))
  return { ...packed, file: join(folder, packed.filename) }
}
