import type { FolderEntry } from '../io/folder.js'
import { parseOutput } from './names.js'

/** The names of a torch layer folder's outputs, in the order of what the module returned (`output_0_1` before `output_2`). */
export function outputsOf(entries: readonly FolderEntry[]): string[] {
  return (
    entries
      // What is no file is one to the reader, which says what it is instead.
      .filter((e) => parseOutput(e.name))
      .map((e) => ({ name: e.name, place: parseOutput(e.name)! }))
      .sort((a, b) => comparePlaces(a.place, b.place))
      .map((e) => e.name)
  )
}

function comparePlaces(a: number[], b: number[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}
