import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** Where runs leave their rows until the report is written: a known place, so that those of a run that died are found. */
export const SPOOLS_FOLDER = '.golden-logits'

const RUN_DIR = /^run-\d+-(\d+)-\d+$/

let runs = 0

/** A new folder for the rows of one run; it is made by the first row. */
export function newRunDir(root: string): string {
  return join(root, SPOOLS_FOLDER, `run-${Date.now()}-${process.pid}-${++runs}`)
}

/** The runner's root that a run's folder lies in. */
export function rootOf(runDir: string): string {
  return dirname(dirname(runDir))
}

export function isRunDir(path: string): boolean {
  return RUN_DIR.test(basename(path))
}

/** Folders of runs that are at work no more: they ended without a report. Oldest first. */
export function leftRunDirs(root: string): string[] {
  const folder = join(root, SPOOLS_FOLDER)
  if (!existsSync(folder)) return []
  const left = readdirSync(folder).filter((name) => {
    const pid = RUN_DIR.exec(name)?.[1]
    return pid !== undefined && !isAlive(Number(pid))
  })
  return left.sort().map((name) => join(folder, name))
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
