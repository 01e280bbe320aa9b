import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { makeScratchFolder, removeEmptyScratchFolder, SCRATCH_FOLDER } from '../lib/scratch-folder.js'

/** The environment variable with which the reporter names the folder for the rows of a run to the workers. */
export const RUN_DIR_VARIABLE = 'GOLDEN_LOGITS_RUN_DIR'

const RUN_DIR = /^run-(\d+)-(\d+)-\d+$/
/** An empty file in the folder of a run, which needs no space on a full disk. It is gone if rows of the run were deleted, or could not be written. */
const ALL_KEPT = 'all-kept'
/** The same for a run of a single project: a test needs no name of its project. */
const ONE_PROJECT = 'one-project'
/** Names the runner's root, if the folder of the run is elsewhere. */
const ROOT_FILE = 'root'
const REPORTER = /^reporter-\d+$/

/** The folder of a run, as one of its reporters uses it. */
export interface OpenRun {
  readonly dir: string
  /** The empty file that stands for this reporter. */
  readonly marker: string
}

/**
 * Opens the folder for the rows of a run. Several reporters of one run share it.
 * @throws an error of the file system if no folder can be made, neither in the root nor in the system's temporary folder
 */
export function openRun(root: string): OpenRun {
  const current = process.env[RUN_DIR_VARIABLE]
  const isShared = current !== undefined && pidOf(current) === process.pid && rootOf(current) === root
  const dir = isShared && reportersOf(current).length > 0 ? current : newRunDir(root)
  for (let n = 1; ; n++) {
    const marker = join(dir, `reporter-${n}`)
    if (createEmpty(marker)) return { dir, marker }
  }
}

/**
 * Removes the folder of a run if no other reporter uses it.
 * @param keep the rows are still needed
 */
export function closeRun({ dir, marker }: OpenRun, keep: boolean): void {
  // A reporter that cannot write its report leaves its marker, so that no other reporter removes the rows.
  if (keep) return
  rmSync(marker, { force: true })
  if (reportersOf(dir).length > 0) return
  rmSync(dir, { recursive: true, force: true })
  removeEmptyScratchFolder(dirname(dirname(dir)))
}

/** @returns true for the first call with this name in the run: what several reporters would print is printed once */
export function isFirst(dir: string, name: string): boolean {
  return !existsSync(dir) || createEmpty(join(dir, name))
}

function newRunDir(root: string): string {
  try {
    return createIn(root)
  } catch (error) {
    // The root is read-only, as in some containers: the report may still go elsewhere.
    const dir = createIn(tmpdir(), error)
    writeFileSync(join(dir, ROOT_FILE), root)
    return dir
  }
}

function createIn(root: string, reason?: unknown): string {
  try {
    const scratch = makeScratchFolder(root)
    for (let n = 1; ; n++) {
      const dir = join(scratch, `run-${Date.now()}-${process.pid}-${n}`)
      if (existsSync(dir)) continue
      mkdirSync(dir)
      createEmpty(join(dir, ALL_KEPT))
      return dir
    }
  } catch (error) {
    throw reason ?? error
  }
}

/** @returns false if the file exists */
function createEmpty(path: string): boolean {
  try {
    closeSync(openSync(path, 'wx'))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function reportersOf(dir: string): string[] {
  return existsSync(dir) ? readdirSync(dir).filter((name) => REPORTER.test(name)) : []
}

/** Records that rows of this run are lost, although their number cannot be recorded. */
export function markIncomplete(dir: string): void {
  rmSync(join(dir, ALL_KEPT), { force: true })
}

export function isMarkedIncomplete(dir: string): boolean {
  return !existsSync(join(dir, ALL_KEPT))
}

export function markOneProject(dir: string): void {
  isFirst(dir, ONE_PROJECT)
}

export function hasOneProject(dir: string): boolean {
  return existsSync(join(dir, ONE_PROJECT))
}

/** The runner's root. */
export function rootOf(dir: string): string {
  const file = join(dir, ROOT_FILE)
  return existsSync(file) ? readFileSync(file, 'utf8') : dirname(dirname(dir))
}

export function isRunDir(path: string): boolean {
  return RUN_DIR.test(basename(path))
}

function pidOf(path: string): number | undefined {
  const pid = RUN_DIR.exec(basename(path))?.[2]
  return pid === undefined ? undefined : Number(pid)
}

/** Folders of runs that ended without a report: their process is gone. Oldest first. */
export function abandonedRunDirs(root: string): string[] {
  return runDirsIn(root).filter((dir) => {
    const [, began, pid] = RUN_DIR.exec(basename(dir))!
    // A container often gives the same process id to the next run.
    return Number(pid) === process.pid ? Number(began) < performance.timeOrigin : !isAlive(Number(pid))
  })
}

/**
 * The folder of the run that this worker belongs to, for a worker whose environment was replaced before this package was
 * loaded: the newest one of the worker's main process, in the folders above a path.
 */
export function runDirOfProcess(path: string): string | undefined {
  for (let folder = path; ; folder = dirname(folder)) {
    const isLast = folder === dirname(folder)
    const dirs = runDirsIn(isLast ? tmpdir() : folder)
    const dir = dirs.filter((name) => [process.pid, process.ppid].includes(pidOf(name)!)).at(-1)
    if (dir !== undefined || isLast) return dir
  }
}

/** Oldest first. */
function runDirsIn(root: string): string[] {
  const folder = join(root, SCRATCH_FOLDER)
  if (!existsSync(folder)) return []
  const names = readdirSync(folder).filter((name) => RUN_DIR.test(name))
  return names.sort().map((name) => join(folder, name))
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
