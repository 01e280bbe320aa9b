import type { ByteSource } from '../io/byte-source.js'
import { type Limits, resolveLimits } from '../io/limits.js'
import type { LazyTensor } from '../tensor/tensor.js'
import { readAtbBin } from './atb-bin.js'
import { detectFormat, type Format } from './detect.js'
import { storageTensor } from './storage-tensor.js'
import type { StoredTensor } from './stored-tensor.js'
import { readTorchLegacy } from './torch-legacy.js'
import { readTorchZip } from './torch-zip.js'

const READERS: Readonly<Record<Format, (source: ByteSource, limits: Limits) => StoredTensor[]>> = {
  'torch-zip': readTorchZip,
  'torch-legacy': readTorchLegacy,
  'atb-bin': readAtbBin,
}

/**
 * Every tensor of an open file, in stored order, at least one. They are read from this source, while it is open.
 * @throws GoldenLogitsError for whatever is wrong with the file
 */
export function openTensors(source: ByteSource, limits?: Partial<Limits>): LazyTensor[] {
  const budget = resolveLimits(limits)
  return findStored(source, budget).map(({ found, open }) =>
    storageTensor(found, () => ({ bytes: open(source), close: () => undefined }), source.file, budget),
  )
}

/** The tensors of a file and the way to their elements, which need not be the source they were found in. */
export function findStored(source: ByteSource, limits: Limits): StoredTensor[] {
  return READERS[detectFormat(source)](source, limits)
}
