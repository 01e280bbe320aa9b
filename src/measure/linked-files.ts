import { statSync } from 'node:fs'
import type { DumpStep } from '../dumps/types.js'

type Files = Pick<DumpStep, 'files'>

/** Whether both steps are read from one file, through links or hard links, by other paths. */
export function isLinked(golden: Files, dump: Files): boolean {
  const places = golden.files.map(placeOf)
  return dump.files.some((file) => !golden.files.includes(file) && places.includes(placeOf(file)))
}

function placeOf(file: string): string {
  try {
    // Windows gives some files numbers beyond 2^53.
    const { dev, ino } = statSync(file, { bigint: true })
    return `${dev} ${ino}`
  } catch {
    // It was read before and cannot be looked up now: it counts as another file.
    return file
  }
}
