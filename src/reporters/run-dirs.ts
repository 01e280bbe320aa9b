import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Where runs leave their rows until the report is written: a known place, so that those of a run that died are found. */
const FOLDER = '.golden-logits'

let runs = 0

/** A new folder for the rows of one run; it is made by the first row. */
export function newRunDir(root: string): string {
  return join(root, FOLDER, `run-${Date.now()}-${process.pid}-${++runs}`)
}

/** Folders of runs that ended without a report: their processes are gone. */
export function leftRunDirs(root: string): string[] {
  const folder = join(root, FOLDER)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => {
      const pid = /^run-\d+-(\d+)-\d+$/.exec(name)?.[1]
      return pid !== undefined && !isAlive(Number(pid))
    })
    .map((name) => join(folder, name))
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
