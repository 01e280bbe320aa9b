import { atCaller, describeValue, GoldenLogitsError, invalidArgument } from '../errors.js'
import { type Budgets, resolveBudgets } from '../io/budgets.js'
import { type FileSource, openFile, withFile } from '../io/file-source.js'
import { type FilePath, pathOf } from '../lib/file-path.js'
import type { LazyTensor } from '../tensor/tensor.js'
import { newChecks, type StoredTensor } from './format.js'
import { detectFormat } from './index.js'
import type { NamedInts } from './pickle/find-ints.js'
import { storageTensor } from './storage-tensor.js'

/**
 * Every tensor of one file (torch, NumPy, safetensors, ONNX, ATB), in the order they are stored. Parses the file;
 * elements are read later, when `toFloat32` or `readRaw` is called, which opens the file again.
 *
 * @param path a path or a `file:` URL
 * @throws GoldenLogitsError with `code` and `file`, for every failure to read; later reads throw `file-changed` if the
 * file has changed since
 */
export function readTensors(path: FilePath, options: { budgets?: Partial<Budgets> } = {}): LazyTensor[] {
  return atCaller(readTensors, () => tensorsOf(pathOf(path), options))
}

function tensorsOf(file: unknown, options: { budgets?: Partial<Budgets> }): LazyTensor[] {
  if (typeof file !== 'string' || file === '' || file.includes('\0')) {
    throw invalidArgument(`readTensors expects the path of a file, got ${describeValue(file)}`)
  }
  if (typeof options !== 'object' || options === null) {
    throw invalidArgument('readTensors expects options such as { budgets: { elements: 1000 } }')
  }
  const budgets = resolveBudgets(options.budgets)
  return withFile(file, (source) => lazily(detectFormat(source).read(source, budgets), source, budgets), budgets)
}

/** What one file holds: its tensors, and the plain whole numbers beside them that are wanted by name. */
interface FileNumbers {
  tensors(): readonly LazyTensor[]
  ints(isWanted: (name: string) => boolean): readonly NamedInts[]
}

/**
 * Parses one file once, and calls a function with what it holds.
 * @throws GoldenLogitsError with `code` and `file`
 */
export function withNumbers<T>(
  file: string,
  options: { budgets?: Partial<Budgets> },
  use: (numbers: FileNumbers) => T,
): T {
  const budgets = resolveBudgets(options.budgets)
  const read = (source: FileSource) => {
    const format = detectFormat(source)
    const parsed = format.parse?.(source, budgets)
    return use({
      tensors: () => lazily(parsed ? parsed.tensors() : format.read(source, budgets), source, budgets),
      ints: (isWanted) => parsed?.ints(isWanted) ?? [],
    })
  }
  return withFile(file, read, budgets)
}

/** Tensors whose elements are read later, when the file is opened again. */
function lazily(tensors: readonly StoredTensor[], source: FileSource, budgets: Budgets): LazyTensor[] {
  const checks = newChecks()
  return tensors.map((tensor) => {
    const open = () => {
      const reopened = reopen(source, budgets)
      return { bytes: tensor.open(reopened, checks), close: () => reopened.close() }
    }
    return storageTensor(tensor, open, source.file, budgets)
  })
}

function reopen({ file, size, modified }: FileSource, budgets: Budgets): FileSource {
  const source = openFile(file, budgets)
  if (source.size === size && source.modified === modified) return source
  source.close()
  throw new GoldenLogitsError('file-changed', 'was changed after it was opened; read it again', { file })
}
