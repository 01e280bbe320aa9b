import { dirname, relative } from 'node:path'
import { linkedFile } from '../dumps/layouts/atb/link.js'
import { addOnce } from '../dumps/locate-row.js'
import { GoldenLogitsError, printable } from '../errors.js'
import type { OpenTensors, TensorReader } from '../formats/tensor-reader.js'
import { type FileSource, openFile } from '../io/file-source.js'

/** An open file, and the tensors in it. */
export type OpenFile = OpenTensors & { readonly source: FileSource }

/** The open files of one step: one per rank. */
export class OpenStep {
  readonly names: readonly string[]
  readonly files: readonly OpenFile[]
  /** What was found out while opening, each once. */
  readonly notes: readonly string[]
  private sources: readonly FileSource[]

  /** @throws GoldenLogitsError what the reader throws; no file stays open */
  constructor(names: readonly string[], reader: TensorReader) {
    const notes: string[] = []
    this.names = names
    this.notes = notes
    const sources: FileSource[] = []
    this.sources = sources
    try {
      this.files = names.map((name) => openFollowing(name, reader, sources, notes))
    } catch (error) {
      this.close()
      throw error
    }
  }

  has(names: readonly string[]): boolean {
    return names.length === this.names.length && names.every((name, i) => name === this.names[i])
  }

  close(): void {
    for (let i = 0; i < this.sources.length; i++) this.sources[i]!.close()
    this.sources = []
  }
}

/** Opens a file, or the one that it names as holding its data. */
function openFollowing(file: string, reader: TensorReader, sources: FileSource[], notes: string[]): OpenFile {
  const { budgets } = reader
  const source = openFile(file, budgets)
  sources.push(source)
  try {
    return { source, ...reader.open(source) }
  } catch (error) {
    const isLink = error instanceof GoldenLogitsError && error.code === 'no-data'
    const link = isLink ? linkedFile(source, budgets) : undefined
    if (link === undefined) throw error
    addOnce(notes, `the data are in ${printable(relative(dirname(file), link), 120)}, as the file says`)
    const other = openFile(link, budgets)
    sources.push(other)
    return { source: other, ...reader.open(other) }
  }
}
