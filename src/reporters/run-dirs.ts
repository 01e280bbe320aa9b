import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** Where runs keep their rows until the report is written: a fixed place, so that the rows of a killed run can be found. */
export const SPOOLS_FOLDER = '.golden-logits'

const RUN_DIR = /^run-\d+-(\d+)-\d+$/

let runs = 0

/** A new path for the rows of one run; the first row creates the folder. */
export function newRunDir(root: string): string {
  return join(root, SPOOLS_FOLDER, `run-${Date.now()}-${process.pid}-${++runs}`)
}

/** The runner's root, which contains the run's folder. */
export function rootOf(runDir: string): string {
  return dirname(dirname(runDir))
}

export function isRunDir(path: string): boolean {
  return RUN_DIR.test(basename(path))
}

/** Folders of runs that ended without a report: their process is gone. Oldest first. */
export function abandonedRunDirs(root: string): string[] {
  const folder = join(root, SPOOLS_FOLDER)
  if (!existsSync(folder)) return []
  const abandoned = readdirSync(folder).filter((name) => {
    const pid = RUN_DIR.exec(name)?.[1]
    return pid !== undefined && !isAlive(Number(pid))
  })
  return abandoned.sort().map((name) => join(folder, name))
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
