import { GoldenLogitsError, printable } from '../../errors.js'
import { isKind, type StorageValue, typeName, type Value } from './values.js'

type Where = { file: string; offset: number }

/**
 * A persistent id: `('storage', class, key, location, numel)`, followed by `None` in legacy files (the metadata of a
 * view). The location names the device that the tensor was on. It is a label and not used.
 */
export function persistentStorage(id: Value, legacy: boolean, where: Where): StorageValue {
  if (!isKind(id, 'tuple')) throw badStorage(`a persistent id that is ${typeName(id)}, expected a tuple`, where)
  const [tag, storageClass, key, location, numel, view] = id.items
  if (tag !== 'storage' || id.items.length < 5 || id.items.length > (legacy ? 6 : 5)) {
    throw badStorage("a persistent id that is not ('storage', class, key, location, numel)", where)
  }
  if (view !== undefined && view !== null) {
    throw badStorage('a legacy view of a storage, which torch no longer writes', where)
  }
  if (!isKind(storageClass, 'global') || storageClass.global.does !== 'storage') {
    throw badStorage(`a storage of class ${typeName(storageClass)}, expected one such as torch.FloatStorage`, where)
  }
  if (typeof key !== 'string') throw badStorage(`a storage key that is ${typeName(key)}, expected a string`, where)
  if (typeof location !== 'string')
    throw badStorage(`a location that is ${typeName(location)}, expected a string`, where)
  if (typeof numel !== 'number' || !Number.isSafeInteger(numel) || numel < 0) {
    const actual = typeof numel === 'number' || typeof numel === 'bigint' ? numel : typeName(numel)
    throw badStorage(`storage '${printable(key)}' of ${actual} elements, expected a whole number from 0`, where)
  }
  return { kind: 'storage', key, dtype: storageClass.global.dtype, numel }
}

function badStorage(message: string, where: Where): GoldenLogitsError {
  return new GoldenLogitsError('bad-storage', message, where)
}
