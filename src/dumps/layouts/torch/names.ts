import type { FolderEntry } from '../../../io/folder.js'

/** In place of outputs in a dump of statistics. */
export const STATISTICS_FILE = 'statistics.csv'

/** `output.pth`, `output_0.pth`, `output_0_1.pth`: the indices of a tensor in what a module returned. */
export function parseOutput(name: string): number[] | undefined {
  const match = /^output((?:_\d{1,9})*)\.pth$/.exec(name)
  return match ? match[1]!.split('_').slice(1).map(Number) : undefined
}

/** The names of a layer's outputs, in the order in which the module returned them (`output_0_1` before `output_2`). */
export function outputsOf(entries: readonly FolderEntry[]): string[] {
  return (
    entries
      // An entry of another kind stays: the file reader says what it is.
      .filter(({ name }) => parseOutput(name))
      .map(({ name }) => ({ name, indices: parseOutput(name)! }))
      .sort((a, b) => compareIndices(a.indices, b.indices))
      .map(({ name }) => name)
  )
}

function compareIndices(a: number[], b: number[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}
