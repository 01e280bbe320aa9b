// Small projects that install the packed package beside a runner, as users do. They live in .cache: Jest looks for no tests below node_modules.
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

export const ROOT = resolve(import.meta.dirname, '..')
export const CACHE = resolve(process.env.GOLDEN_LOGITS_CACHE ?? join(ROOT, '.cache'))

const npm = (args, cwd) =>
  execFileSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    shell: process.platform === 'win32',
  })

/** Packs the build. @returns the path of the tarball, and the files in it */
export function pack() {
  mkdirSync(CACHE, { recursive: true })
  for (const name of readdirSync(CACHE).filter((file) => file.endsWith('.tgz'))) rmSync(join(CACHE, name))
  const [{ filename, files }] = JSON.parse(npm(['pack', '--json', '--pack-destination', CACHE], ROOT))
  return { tarball: join(CACHE, filename), files: files.map(({ path }) => path) }
}

/** What lies beneath a runner comes in the versions of the lock file, which are known to install together. */
const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))
const overrides = Object.fromEntries(
  Object.entries(packages)
    .map(([path, { version }]) => [path.replace('node_modules/', ''), version])
    .filter(([name]) => /^(?:@babel\/[\w-]+|unrs-resolver)$/.test(name)),
)

/** Installs packages into a folder of their own, once per set of versions. @returns the folder */
export function install(name, dependencies) {
  const text = JSON.stringify({ name, private: true, dependencies, overrides })
  const folder = join(CACHE, `${name}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`)
  if (existsSync(join(folder, 'installed'))) return folder
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), text)
  npm(['install', '--ignore-scripts', '--no-package-lock', '--force'], folder)
  writeFileSync(join(folder, 'installed'), '')
  return folder
}

/** Puts the packed package into a folder of `install`, in place of what was there. */
export function installPacked(folder, tarball) {
  const target = join(folder, 'node_modules/golden-logits')
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const own = install('dependencies', dependencies)
  rmSync(target, { recursive: true, force: true })
  mkdirSync(target, { recursive: true })
  execFileSync('tar', ['-xzf', tarball, '-C', target, '--strip-components=1'])
  cpSync(join(own, 'node_modules'), join(target, 'node_modules'), { recursive: true })
}

/** The Node binary of a major version: this one, or that of the npm package which carries it for this machine. */
export function nodeOf(major) {
  if (Number(process.versions.node.split('.')[0]) === major) return { path: process.execPath }
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const name = `node-${platform}-${process.arch}`
  try {
    const folder = install(`node${major}`, { [name]: String(major) })
    const path = join(folder, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' })
    if (stdout?.startsWith(`v${major}.`)) return { path }
    return { skipped: `${name}@${major} holds no Node ${major} that runs here` }
  } catch {
    return { skipped: `npm has no ${name}@${major}` }
  }
}
