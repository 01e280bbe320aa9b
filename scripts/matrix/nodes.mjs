import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { kept } from '../lib/installs.mjs'
import { run } from '../lib/run.mjs'
import { NODES } from '../lib/versions.mjs'

/**
 * A binary of a major version of Node: this process's, or one from npm for this platform.
 * @returns {Promise<{ major: number, version: string, binary?: string, missing?: string }>} `missing`: the reason if there is no binary
 */
export async function nodeOf(major) {
  const current = process.versions.node
  if (Number(current.split('.')[0]) === major) return { major, version: current, binary: process.execPath }
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const missing = []
  // The pinned version, or any release of this major version that npm has for this platform.
  for (const version of [NODES[major], String(major)]) {
    try {
      const folder = join(await kept([`${name}@${version}`]), 'node_modules', name, 'bin')
      const binary = ['node', 'node.exe'].map((file) => join(folder, file)).find((file) => existsSync(file))
      const { code, out, err } = await run(binary, ['--version'])
      if (code === 0 && out.startsWith(`v${major}.`)) return { major, version: out.trim().slice(1), binary }
      missing.push(`${name}@${version} does not run: ${(out + err).trim().split('\n')[0]}`)
    } catch (error) {
      missing.push(
        `${name}@${version} cannot be installed: ${error.message.split('\n').find((line) => /error/.test(line)) ?? error.message}`,
      )
    }
  }
  return { major, version: String(major), missing: missing.join('; ') }
}
