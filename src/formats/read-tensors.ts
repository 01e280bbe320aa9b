import { GoldenLogitsError, printable } from '../errors.js'
import { type Budgets, resolveBudgets } from '../io/budgets.js'
import { type FileSource, openFile } from '../io/file-source.js'
import type { LazyTensor } from '../tensor/tensor.js'
import { findStored } from './open-tensors.js'
import { storageTensor } from './storage-tensor.js'
import { newChecks } from './stored-tensor.js'

/**
 * Every tensor of one file (`.pth` of any torch, ATB `.bin`), in the order they are stored. Reads what describes them;
 * elements are read when `toFloat32` or `readRaw` asks for them, from the file opened anew.
 *
 * @throws GoldenLogitsError with `code` and `file`, for every failure to read; later reads throw `file-changed` where the
 * file is no longer the one that was opened here
 */
export function readTensors(file: string, options: { budgets?: Partial<Budgets> } = {}): LazyTensor[] {
  if (typeof file !== 'string' || file === '' || file.includes('\0')) {
    const found = typeof file === 'string' ? `'${printable(file)}'` : file === null ? 'null' : typeof file
    throw new GoldenLogitsError('invalid-argument', `readTensors wants the path of a file, got ${found}`)
  }
  if (typeof options !== 'object' || options === null) {
    throw new GoldenLogitsError('invalid-argument', 'readTensors wants options such as { budgets: { elements: 1000 } }')
  }
  const budgets = resolveBudgets(options.budgets)
  const source = openFile(file, budgets)
  try {
    const checks = newChecks()
    return findStored(source, budgets).map(({ found, open }) =>
      storageTensor(
        found,
        () => {
          const again = reopen(source, budgets)
          return { bytes: open(again, checks), close: () => again.close() }
        },
        file,
        budgets,
      ),
    )
  } finally {
    source.close()
  }
}

function reopen({ file, size, modified }: FileSource, budgets: Budgets): FileSource {
  const source = openFile(file, budgets)
  if (source.size === size && source.modified === modified) return source
  source.close()
  throw new GoldenLogitsError('file-changed', 'was changed after it was opened; read it anew', { file })
}
