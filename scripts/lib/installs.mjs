import { createHash } from 'node:crypto'
import { existsSync, lstatSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run, tail } from './run.mjs'

/**
 * Installs packages into a folder that has a package.json.
 * @param {string} folder
 * @param {readonly string[]} specs as npm takes them
 */
export async function install(folder, specs) {
  // npm's check of engines is not used: the matrix runs each package on a Node that it supports.
  const flags = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', '--ignore-scripts']
  const { code, out, err } = await run('npm', ['install', ...flags, ...specs], { cwd: folder })
  if (code !== 0) throw new Error(`npm install ${specs.join(' ')} failed:\n${tail(out + err, 12)}`)
}

/**
 * A folder in which these packages are installed. It is created once and kept, outside the repository, so that Node does not
 * resolve the repository's own packages from it.
 * @param {readonly string[]} specs
 */
export async function kept(specs) {
  const root = keptRoot()
  const name = createHash('sha256').update(specs.join('\n')).digest('hex').slice(0, 16)
  const folder = join(root, name)
  if (existsSync(folder)) return folder
  const fresh = mkdtempSync(join(root, 'new-'))
  try {
    writeFileSync(join(fresh, 'package.json'), '{ "private": true }\n')
    await install(fresh, specs)
    renameSync(fresh, folder)
  } catch (error) {
    // Another process may have created it in the meantime.
    if (!existsSync(folder)) throw error
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
  return folder
}

/** Programs run from this folder, so it must belong to this user. */
function keptRoot() {
  const uid = process.getuid?.() ?? 0
  const root = join(realpathSync(tmpdir()), `golden-logits-checks-${uid}`)
  mkdirSync(root, { recursive: true, mode: 0o700 })
  const stat = lstatSync(root)
  if (!stat.isDirectory() || (process.getuid && stat.uid !== uid))
    throw new Error(`${root} belongs to another user: remove it`)
  return root
}
