import { GoldenLogitsError, printable } from '../../errors.js'
import { withinBudget } from '../../io/budgets.js'
import type { CallSite } from './reduce.js'
import { type StorageValue, type TensorValue, typeName, type Value } from './values.js'

/** A view of a storage, checked in exact arithmetic to lie within it. A tensor without elements touches none. */
export function buildTensor(
  storage: StorageValue,
  offset: Value,
  shape: readonly Value[],
  strides: readonly Value[],
  site: CallSite,
): TensorValue {
  withinBudget(site.budgets, 'rank', shape.length, 'dimensions of a tensor', site)
  if (shape.length !== strides.length) {
    throw badTensor(`${shape.length} sizes but ${strides.length} strides`, site)
  }
  const start = whole(offset, 'offset', site)
  const sizes = shape.map((size) => whole(size, 'size', site))
  const steps = strides.map((stride) => whole(stride, 'stride', site))
  const numel = sizes.reduce((product, size) => product * BigInt(size), 1n)
  if (numel > BigInt(Number.MAX_SAFE_INTEGER)) throw badTensor(`${numel} elements`, site)
  if (numel > 0n) {
    const last = sizes.reduce((at, size, i) => at + BigInt(size - 1) * BigInt(steps[i]!), BigInt(start))
    if (last >= BigInt(storage.numel)) {
      const found = `reaches element ${last} of storage '${printable(storage.key)}', which has ${storage.numel}`
      throw badTensor(found, site)
    }
  } else if (start > storage.numel) throw badTensor(`starts at element ${start} of ${storage.numel}`, site)
  return { kind: 'tensor', storage, offset: start, shape: sizes, strides: steps }
}

function whole(value: Value, what: string, site: CallSite): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  const found = typeof value === 'number' || typeof value === 'bigint' ? printable(String(value)) : typeName(value)
  throw badTensor(`a ${what} of ${found}, expected a whole number from 0`, site)
}

function badTensor(message: string, { file, offset }: CallSite): GoldenLogitsError {
  return new GoldenLogitsError('bad-tensor', `a tensor is described as impossible: ${message}`, { file, offset })
}
