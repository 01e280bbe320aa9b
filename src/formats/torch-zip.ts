import { GoldenLogitsError, printable } from '../errors.js'
import { type Budgets, withinBudget } from '../io/budgets.js'
import type { ByteSource } from '../io/byte-source.js'
import { disregardContent, readZipDirectory, type ZipEntry } from '../io/zip-directory.js'
import { badArchive } from '../io/zip-end.js'
import { itemSize } from '../tensor/dtype.js'
import type { Format, StoredTensor } from './format.js'
import { findInts } from './pickle/find-ints.js'
import { findTensors, storagesOf } from './pickle/find-tensors.js'
import { runPickle } from './pickle/machine.js'
import type { StorageValue } from './pickle/values.js'
import { openRecord, readRecord } from './zip-record.js'

/** A file of `torch.save` since 1.6: a zip of `{root}/data.pkl` and one record `{root}/data/{key}` per storage. */
export const torchZip: Format = {
  name: 'torch-zip',
  description: 'a file of torch.save (.pth, .pt)',
  extensions: ['.pth', '.pt'],
  matches: (head) => head.startsWith('PK\x03\x04'),
  read: (source, budgets) => tensorsIn(source, budgets, readObject(source, budgets)),
  parse(source, budgets) {
    const object = readObject(source, budgets)
    return {
      tensors: () => tensorsIn(source, budgets, object),
      ints: (isWanted) => findInts(object.value, isWanted, source.file, budgets),
    }
  },
}

/** The object of the pickle, and the records of the archive. */
function readObject(source: ByteSource, budgets: Budgets) {
  const entries = readZipDirectory(source, budgets)
  const records = new Map(entries.map((entry) => [entry.name, entry]))
  const root = rootOf(source, [...records.keys()])
  const pickle = records.get(`${root}/data.pkl`)!
  withinBudget(budgets, 'pickleBytes', pickle.size, 'bytes of the pickle', source)
  const bytes = readRecord(source, pickle, budgets)
  const { value, end } = runPickle(bytes, 0, { file: source.file, base: pickle.start, budgets })
  if (end !== bytes.length) {
    throw new GoldenLogitsError('malformed-pickle', `malformed pickle: it continues after its STOP`, {
      file: source.file,
      offset: pickle.start + end,
    })
  }
  return { value, entries, records, root }
}

function tensorsIn(
  source: ByteSource,
  budgets: Budgets,
  { value, entries, records, root }: ReturnType<typeof readObject>,
): StoredTensor[] {
  const bigEndian = isBigEndian(source, records.get(`${root}/byteorder`), budgets)
  const tensors = findTensors(value, source.file, budgets)
  const recordOf = (key: string) => records.get(`${root}/data/${key}`)
  for (const storage of storagesOf(source.file, tensors).values()) checkStorage(source, storage, recordOf(storage.key))
  for (const entry of entries) if (isData(entry, root)) disregardContent(source, entry)
  // torch names the folder after the file, so files that differ only in their names differ in the folder.
  if (entries.every(({ name }) => name.startsWith(`${root}/`))) {
    source.reportName?.(
      root,
      entries.flatMap(({ nameAt }) => nameAt),
    )
  }
  return tensors.map(({ name, tensor }) => {
    const entry = recordOf(tensor.storage.key)!
    const { start, size, crcAt } = entry
    return {
      name,
      tensor,
      open: (from, checks) => ({ bigEndian, read: openRecord(from, entry, budgets, checks) }),
      ...(!entry.deflated && !bigEndian && { place: { start, size, crcAt } }),
    }
  })
}

/** Elements, which are not parsed, and `.data/serialization_id`, which torch computes from their CRCs. */
function isData({ name }: ZipEntry, root: string): boolean {
  return name.startsWith(`${root}/data/`) || name.startsWith(`${root}/.data/`)
}

/** The folder of the only `data.pkl`. */
function rootOf(source: ByteSource, names: readonly string[]): string {
  const roots = names.filter((name) => name.endsWith('/data.pkl')).map((name) => name.slice(0, -'/data.pkl'.length))
  const [root] = roots
  if (names.some((name) => /(^|\/)(constants\.pkl|model\.json)$/.test(name))) {
    const message = 'is a TorchScript model, expected the logits: torch.save(logits, path)'
    throw new GoldenLogitsError('unsupported-format', message, { file: source.file })
  }
  if (roots.length === 1) return root!
  if (names.some((name) => name.endsWith('.npy'))) {
    const message = 'is a zip archive of .npy and other files, expected a file of torch.save or numpy.savez'
    throw new GoldenLogitsError('unsupported-format', message, { file: source.file })
  }
  throw badArchive(source, `it holds ${roots.length} pickles named data.pkl, expected 1`)
}

function isBigEndian(source: ByteSource, entry: ZipEntry | undefined, budgets: Budgets): boolean {
  if (!entry) return false
  if (entry.size > 16) throw badArchive(source, `its byteorder is ${entry.size} bytes long`)
  const order = Buffer.from(readRecord(source, entry, budgets)).toString('latin1')
  if (order !== 'little' && order !== 'big') throw badArchive(source, `its byteorder is '${printable(order)}'`)
  return order === 'big'
}

/** Checks that the storage has a record of exactly its size. */
function checkStorage({ file }: ByteSource, storage: StorageValue, entry: ZipEntry | undefined): void {
  const key = printable(storage.key)
  if (!entry) {
    throw new GoldenLogitsError('bad-storage', `has no record for storage '${key}'; copy or dump it again`, { file })
  }
  const expected = BigInt(storage.numel) * BigInt(itemSize(storage.dtype))
  if (BigInt(entry.size) === expected) return
  const message = `the record of storage '${key}' has ${entry.size} bytes, expected ${expected} (${storage.numel} of ${storage.dtype})`
  throw new GoldenLogitsError('bad-storage', message, { file, offset: entry.start })
}
