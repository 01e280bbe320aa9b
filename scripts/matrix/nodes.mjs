import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { kept } from '../lib/installs.mjs'
import { run } from '../lib/run.mjs'
import { NODES } from '../lib/versions.mjs'

/**
 * A binary of a major version of Node: this process's own, or one that npm has for this platform.
 * @returns {Promise<{ major: number, version: string, binary?: string, missing?: string }>} `missing`: why there is none
 */
export async function nodeOf(major) {
  const own = process.versions.node
  if (Number(own.split('.')[0]) === major) return { major, version: own, binary: process.execPath }
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const missing = []
  // The version that the others run on, else any of its line that npm has for this platform.
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
