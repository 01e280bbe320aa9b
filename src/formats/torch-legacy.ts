import { GoldenLogitsError, printable } from '../errors.js'
import { allocate, type Budgets } from '../io/budgets.js'
import { type ByteSource, readBytes } from '../io/byte-source.js'
import { itemSize } from '../tensor/dtype.js'
import { plainStorage } from './array-tensor.js'
import type { Format, StoredTensor } from './format.js'
import { findInts } from './pickle/find-ints.js'
import { findTensors, storagesOf } from './pickle/find-tensors.js'
import { runPickle } from './pickle/machine.js'
import { entryOf, isKind, type StorageValue, typeName, type Value } from './pickle/values.js'

/**
 * A file of `torch.save` before 1.6: five pickles (magic number, protocol, system info, object, storage keys), then for each
 * key its number of elements as int64, and the elements.
 */
export const torchLegacy: Format = {
  name: 'torch-legacy',
  description: 'a file of torch.save (.pth, .pt)',
  extensions: ['.pth', '.pt'],
  matches: (head) => head.startsWith('\x80'),
  read: (source, budgets) => tensorsIn(source, budgets, readPickles(source, budgets)),
  parse(source, budgets) {
    const pickles = readPickles(source, budgets)
    return {
      tensors: () => tensorsIn(source, budgets, pickles),
      ints: (isWanted) => findInts(pickles.object, isWanted, source.file, budgets),
    }
  },
}

const MAGIC = 0x1950a86a20f9469cfc6cn
const PROTOCOL = 1001
/** Enough for the pickles of any but a huge object. */
const FIRST_WINDOW = 64 * 1024

function tensorsIn(source: ByteSource, budgets: Budgets, { object, keys, end }: Pickles): StoredTensor[] {
  const tensors = findTensors(object, source.file, budgets)
  const starts = storageStarts(source, keys, end, storagesOf(source.file, tensors))
  return tensors.map(({ name, tensor }) => {
    const { storage } = tensor
    return { name, tensor, ...plainStorage(starts.get(storage.key)!, storage) }
  })
}

interface Pickles {
  object: Value
  keys: string[]
  /** Offset of the first storage. */
  end: number
}

function readPickles(source: ByteSource, budgets: Budgets): Pickles {
  const max = Math.min(source.size, budgets.pickleBytes)
  if (max > FIRST_WINDOW) {
    try {
      return parsePickles(source, budgets, FIRST_WINDOW)
    } catch (error) {
      // Only if the window ends inside a pickle, a larger window can help.
      if (!(error instanceof GoldenLogitsError && error.budget === 'pickleBytes')) throw error
    }
  }
  return parsePickles(source, budgets, max)
}

function parsePickles(source: ByteSource, budgets: Budgets, window: number): Pickles {
  const bytes = allocate(window, 'the pickles', source)
  source.read(0, bytes)
  let at = 0
  const place = { file: source.file, base: 0, budgets, partial: window < source.size, legacy: true }
  const next = (): Value => {
    const { value, end } = runPickle(bytes, at, place)
    at = end
    return value
  }
  if (next() !== MAGIC) {
    const message = 'is a pickle, but not from torch.save; expected the logits: torch.save(logits, path)'
    throw new GoldenLogitsError('unsupported-format', message, { file: source.file })
  }
  const protocol = next()
  if (protocol !== PROTOCOL) {
    const actual = typeof protocol === 'number' ? protocol : typeName(protocol)
    throw badLegacy(source, `protocol ${actual}, expected ${PROTOCOL}`)
  }
  checkSystem(source, next())
  return { object: next(), keys: keyList(source, next()), end: at }
}

/** torch writes the storages little-endian on every machine, and records here whether the machine was little-endian. */
function checkSystem(source: ByteSource, system: Value): void {
  if (!isKind(system, 'dict')) {
    throw badLegacy(source, `system info that is ${typeName(system)}, expected a dict`)
  }
  if (entryOf(system, 'little_endian') === true) return
  throw badLegacy(source, 'it was not written on a little-endian machine')
}

function keyList(source: ByteSource, keys: Value): string[] {
  if (!isKind(keys, 'list')) {
    throw badLegacy(source, `storage keys that are ${typeName(keys)}, expected a list`)
  }
  const strings = keys.items.filter((key) => typeof key === 'string')
  if (strings.length !== keys.items.length || new Set(strings).size !== strings.length) {
    throw badLegacy(source, 'storage keys that are not strings, or not all different')
  }
  return strings
}

function storageStarts(
  source: ByteSource,
  keys: readonly string[],
  end: number,
  storages: ReadonlyMap<string, StorageValue>,
): Map<string, number> {
  if (keys.length !== storages.size || keys.some((key) => !storages.has(key))) {
    throw badLegacy(source, `lists ${keys.length} storages, but its tensors use ${storages.size}`)
  }
  const starts = new Map<string, number>()
  let at = end
  for (const key of keys) {
    const { numel, dtype } = storages.get(key)!
    const bytes = numel * itemSize(dtype)
    if (at + 8 + bytes > source.size) {
      throw badLegacy(source, `ends inside storage '${printable(key)}', so it was cut short`)
    }
    const declared = new DataView(readBytes(source, at, 8).buffer).getBigInt64(0, true)
    if (declared !== BigInt(numel)) {
      throw badLegacy(source, `storage '${printable(key)}' has ${declared} elements, but its tensors expect ${numel}`)
    }
    starts.set(key, at + 8)
    at += 8 + bytes
  }
  if (at !== source.size) throw badLegacy(source, `has ${source.size - at} bytes after its last storage`)
  return starts
}

function badLegacy(source: ByteSource, message: string): GoldenLogitsError {
  const text = `broken file of torch.save before 1.6: ${message}; copy or dump it again`
  return new GoldenLogitsError('bad-legacy', text, { file: source.file })
}
