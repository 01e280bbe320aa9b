import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { kindOf, listFolder } from '../io/folder.js'
import { GOLDEN_SUFFIX, goldenFolder } from './names.js'
import { dataPath } from './types.js'

const TOUCHED = /^goldens-.*\.txt$/

/** Remembers, for the end of the run, that a test has used a golden. */
export function noteTouched(runDir: string, testFile: string, golden: string): void {
  const line = `${JSON.stringify([testFile, golden])}\n`
  mkdirSync(runDir, { recursive: true })
  appendFileSync(join(runDir, `goldens-${process.pid}-${threadId}.txt`), line)
}

/** The goldens that the tests of a run have used, by test file. */
export function touchedGoldens(runDir: string): Map<string, Set<string>> {
  const touched = new Map<string, Set<string>>()
  if (kindOf(runDir) !== 'folder') return touched
  for (const name of readdirSync(runDir).filter((file) => TOUCHED.test(file))) {
    // A last line without its end was cut off with its worker, whose test file then did not run whole.
    const lines = readFileSync(join(runDir, name), 'utf8').split('\n').slice(0, -1)
    for (const line of lines) {
      const [testFile, golden] = JSON.parse(line) as [string, string]
      const goldens = touched.get(testFile) ?? new Set()
      touched.set(testFile, goldens.add(golden))
    }
  }
  return touched
}

/**
 * The goldens that no test uses any more, sorted: those that the tests of their test file passed by, and those whose test
 * file is gone.
 * @param wholeFiles test files that ran to their end in this run with no test skipped, filtered out or failed. Of any other
 * file nothing is known, and none of its goldens is obsolete.
 */
export function obsoleteGoldens(
  touched: ReadonlyMap<string, ReadonlySet<string>>,
  wholeFiles: readonly string[],
): string[] {
  const passedBy = wholeFiles.flatMap((testFile) => {
    const used = new Set([...(touched.get(testFile) ?? [])].map(stem))
    // Those of other machines' variants have the name of one that was used.
    return goldensIn(goldenFolder(testFile)).filter((golden) => !used.has(stem(golden)))
  })
  const roots = new Set([...touched.keys(), ...wholeFiles].map((file) => dirname(goldenFolder(file))))
  const orphaned = [...roots].flatMap((root) => {
    const folders = kindOf(root) === 'folder' ? listFolder(root).filter(({ kind }) => kind === 'folder') : []
    const gone = folders.filter(({ name }) => kindOf(join(dirname(root), name)) === undefined)
    return gone.flatMap(({ name }) => goldensIn(join(root, name)))
  })
  return [...new Set([...passedBy, ...orphaned])].sort()
}

/** Deletes a golden with its rows. For an update run whose user asked for it, never by itself. */
export function removeGolden(golden: string): void {
  rmSync(golden, { force: true })
  rmSync(dataPath(golden), { force: true })
}

function goldensIn(folder: string): string[] {
  if (kindOf(folder) !== 'folder') return []
  const files = listFolder(folder).filter(({ name, kind }) => kind === 'file' && name.endsWith(GOLDEN_SUFFIX))
  return files.map(({ name }) => join(folder, name))
}

/** The name of a golden without its variant: up to the first dot. */
function stem(golden: string): string {
  return basename(golden).split('.')[0]!
}
