import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { install } from './installs.mjs'
import { run } from './run.mjs'

export const ROOT = join(import.meta.dirname, '..', '..')

/** A user's project in a new folder outside the repository, with packages installed by npm. */
export class Project {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'golden-logits-project-')))

  /** @param {readonly string[]} specs packages to install, as npm takes them */
  static async with(...specs) {
    const project = new Project()
    project.write('package.json', '{ "private": true }\n')
    try {
      await install(project.root, specs)
    } catch (error) {
      project.remove()
      throw error
    }
    return project
  }

  path(...parts) {
    return join(this.root, ...parts)
  }

  write(file, text) {
    mkdirSync(dirname(this.path(file)), { recursive: true })
    writeFileSync(this.path(file), text)
  }

  read(file) {
    return readFileSync(this.path(file), 'utf8')
  }

  /** @param {string} from relative to the repository */
  copy(from, to) {
    cpSync(join(ROOT, from), this.path(to), { recursive: true })
  }

  /** Runs a script with Node: this process's by default. */
  node(args, { folder = '.', node = process.execPath, ...options } = {}) {
    return run(node, args, { cwd: this.path(folder), ...options })
  }

  remove() {
    rmSync(this.root, { recursive: true, force: true })
  }
}
