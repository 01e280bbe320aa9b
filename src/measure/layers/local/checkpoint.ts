import { basename, join } from 'node:path'
import { GoldenLogitsError, printable } from '../../../errors.js'
import { TensorReader } from '../../../formats/tensor-reader.js'
import { type Budgets, withinBudget } from '../../../io/budgets.js'
import { readBytes } from '../../../io/byte-source.js'
import { withFile } from '../../../io/file-source.js'
import { kindOf, listFolder } from '../../../io/folder.js'
import { startedFrom } from '../../../lib/file-path.js'
import type { LazyTensor } from '../../../tensor/tensor.js'

const ENDING = '.safetensors'

/**
 * The weights of a model in safetensors: one file, or the files of a folder, as its index names them. Headers are read at
 * once, elements when they are needed.
 */
export class Checkpoint {
  readonly names: readonly string[]
  private readonly reader: TensorReader
  private readonly files = new Map<string, string>()

  /** @throws GoldenLogitsError for a path that is no checkpoint, and for every problem of a file */
  constructor(path: string, budgets: Partial<Budgets>) {
    this.reader = new TensorReader(budgets)
    for (const file of filesOf(path, this.reader.budgets)) {
      this.open(file, (tensors) => {
        for (const { name } of tensors) {
          const other = this.files.get(name)
          if (other !== undefined) {
            const message = `the weight '${printable(name, 120)}' is in ${printable(basename(other), 120)}, too; give the file of one checkpoint`
            throw new GoldenLogitsError('bad-header', message, { file })
          }
          this.files.set(name, file)
        }
      })
    }
    this.names = [...this.files.keys()]
  }

  has(name: string): boolean {
    return this.files.has(name)
  }

  /** Opens the file of a weight for as long as `use` takes. @param name one of `names` */
  read<T>(name: string, use: (weight: LazyTensor) => T): T {
    const file = this.files.get(name)!
    return this.open(file, (tensors) => {
      const weight = tensors.find((tensor) => tensor.name === name)
      if (weight) return use(weight)
      throw new GoldenLogitsError('file-changed', 'the file was replaced while it was read; compare again', { file })
    })
  }

  private open<T>(file: string, use: (tensors: readonly LazyTensor[]) => T): T {
    return withFile(file, (source) => use(this.reader.open(source).tensors), this.reader.budgets)
  }
}

function filesOf(path: string, budgets: Budgets): string[] {
  const kind = kindOf(path)
  if (kind === undefined) {
    throw new GoldenLogitsError('file-not-found', `there is no checkpoint${startedFrom(path)}`, { file: path })
  }
  if (kind === 'file') {
    if (path.endsWith(ENDING)) return [path]
    throw noCheckpoint(path, 'it is another file')
  }
  const names = listFolder(path).flatMap((entry) => (entry.kind === 'file' ? [entry.name] : []))
  const indices = names.filter((name) => name.endsWith(`${ENDING}.index.json`))
  if (indices.length > 1) throw noCheckpoint(path, `it holds ${indices.length} indices`)
  const shards = indices[0] === undefined ? undefined : shardsIn(join(path, indices[0]), budgets)
  const files = shards ?? names.filter((name) => name.endsWith(ENDING)).sort()
  if (files.length === 0) throw noCheckpoint(path, 'it holds none')
  return files.map((name) => join(path, name))
}

function noCheckpoint(path: string, problem: string): GoldenLogitsError {
  const message = `${problem}; the option checkpoint takes a .safetensors file, or a folder of them with at most one index`
  return new GoldenLogitsError('invalid-argument', message, { file: path })
}

/** The files that an index names, each once. */
function shardsIn(index: string, budgets: Budgets): string[] {
  const text = withFile(
    index,
    (source) => {
      withinBudget(budgets, 'jsonBytes', source.size, 'bytes of the index', { file: index })
      return Buffer.from(readBytes(source, 0, source.size)).toString('utf8')
    },
    budgets,
  )
  const files = new Set(Object.values(weightMapOf(text) ?? { '': undefined }))
  for (const file of files) {
    // Names with a path would read files from elsewhere.
    if (typeof file === 'string' && file.endsWith(ENDING) && !/[/\\]/.test(file)) continue
    const message = 'no index of a checkpoint: expected { "weight_map": { "<weight>": "<file>.safetensors" } }'
    throw new GoldenLogitsError('bad-header', message, { file: index })
  }
  return [...files].sort() as string[]
}

function weightMapOf(text: string): object | undefined {
  try {
    const map: unknown = (JSON.parse(text) as { weight_map?: unknown } | null)?.weight_map
    return typeof map === 'object' && map !== null && Object.keys(map).length > 0 ? map : undefined
  } catch {
    return undefined
  }
}
