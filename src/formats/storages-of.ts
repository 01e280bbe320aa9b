import { GoldenLogitsError, printable } from '../errors.js'
import type { FoundTensor } from './pickle/find-tensors.js'
import type { StorageValue } from './pickle/values.js'

/**
 * The storages in use by their keys, each described alike by all its tensors.
 * @throws GoldenLogitsError `bad-storage`
 */
export function storagesOf(file: string, found: readonly FoundTensor[]): Map<string, StorageValue> {
  const storages = new Map<string, StorageValue>()
  for (const { tensor } of found) {
    const { key, numel, dtype } = tensor.storage
    const other = storages.get(key)
    if (other && (other.numel !== numel || other.dtype !== dtype)) {
      throw new GoldenLogitsError('bad-storage', `describes storage '${printable(key)}' in two ways`, { file })
    }
    storages.set(key, tensor.storage)
  }
  return storages
}
