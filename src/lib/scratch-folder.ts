import { existsSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from './make-folder.js'

/** Where runs keep their rows until the report is written, and where candidates of snapshots go. */
export const SCRATCH_FOLDER = '.golden-logits'

const IGNORE_FILE = '.gitignore'

/**
 * Creates the scratch folder in a root, with a `.gitignore` that keeps it out of version control.
 * @returns its path
 */
export function makeScratchFolder(root: string): string {
  const folder = join(root, SCRATCH_FOLDER)
  makeFolder(folder)
  const ignore = join(folder, IGNORE_FILE)
  if (existsSync(ignore)) return folder
  try {
    writeFileSync(ignore, '*\n', { flag: 'wx' })
  } catch {
    // Another worker has just created it, or the disk is full: the folder serves without it.
  }
  return folder
}

/** Removes the scratch folder of a root if nothing is left in it. */
export function removeEmptyScratchFolder(root: string): void {
  const folder = join(root, SCRATCH_FOLDER)
  try {
    if (readdirSync(folder).some((name) => name !== IGNORE_FILE)) return
    rmSync(join(folder, IGNORE_FILE), { force: true })
    rmdirSync(folder)
  } catch {
    // Another run has just put something there.
    if (existsSync(folder)) makeScratchFolder(root)
  }
}
