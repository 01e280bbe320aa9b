import { GoldenLogitsError, printable } from '../../errors.js'
import { type Budgets, withinBudget } from '../../io/budgets.js'
import {
  type Global,
  isKind,
  type StorageValue,
  type TensorValue,
  type TupleValue,
  typeName,
  type Value,
} from './values.js'

/** The position of a call in the file, and the budgets. */
interface CallSite {
  file: string
  offset: number
  budgets: Budgets
}

/** The result of a REDUCE: data. The callee must be of the closed list, with the arguments that torch writes. */
export function reduce(callee: Value, args: Value, site: CallSite): Value {
  if (!isKind(callee, 'global')) throw malformed(`it calls ${typeName(callee)}`, site)
  if (!isKind(args, 'tuple')) throw malformed(`it calls with ${typeName(args)}, expected a tuple of arguments`, site)
  return CALLS[callee.global.does](args.items, site, callee.global)
}

type Call = (args: readonly Value[], site: CallSite, global: Global) => Value

const CALLS: Readonly<Record<Global['does'], Call>> = {
  'ordered-dict': call('OrderedDict', [0], () => ({ kind: 'dict', ordered: true, entries: new Map() })),
  size: call('torch.Size', [1], ([size], site) => tuple(size, 'the argument of torch.Size', site)),
  set: call('set', [1], ([items], site) => {
    if (isKind(items, 'list')) return items
    throw malformed(`a set of ${typeName(items!)}, expected a list`, site)
  }),
  inert: (args, site, global) => {
    const { what, arity: allowed } = global as Extract<Global, { does: 'inert' }>
    arity(what, args, allowed, site)
    for (const arg of args) refuseTensor(what, arg, site)
    return { kind: 'inert', what }
  },
  'rebuild-tensor': call('_rebuild_tensor', [4], tensor),
  'rebuild-tensor-v2': call('_rebuild_tensor_v2', [6, 7], (args, site) => {
    refuseMetadata(args[6], site)
    return tensor(args, site)
  }),
  'rebuild-npu-tensor': call('_rebuild_npu_tensor', [7], (args, site) => {
    const format = args[6]!
    if (typeof format === 'number' || typeof format === 'boolean') return tensor(args, site)
    throw malformed(`an NPU format that is ${typeName(format)}, expected a number or a bool`, site)
  }),
  'rebuild-parameter': call('_rebuild_parameter', [3], parameter),
  'rebuild-parameter-with-state': call('_rebuild_parameter_with_state', [4], parameter),
  'rebuild-from-type': call('_rebuild_from_type_v2', [4], ([callee, type, rest], site) => {
    const isType = isKind(type, 'global') && type.global.does === 'type'
    if (!isType) throw malformed(`a tensor of type ${typeName(type!)}`, site)
    // A tensor with attributes wraps the call for the tensor alone. That call wraps no other, so that this ends.
    if (isKind(callee, 'global') && INNER.has(callee.global.does)) return reduce(callee, rest!, site)
    throw malformed(`a tensor rebuilt by ${typeName(callee!)}, expected a function of torch._utils`, site)
  }),
  storage: notCallable('a storage class'),
  dtype: notCallable('a dtype'),
  type: notCallable('a type'),
}

/** A call with as many arguments as one of `allowed`. */
function call(
  name: string,
  allowed: readonly number[],
  build: (args: readonly Value[], site: CallSite) => Value,
): Call {
  return (args, site) => {
    arity(name, args, allowed, site)
    return build(args, site)
  }
}

function notCallable(what: string): Call {
  return (_, site) => {
    throw malformed(`it calls ${what}`, site)
  }
}

const INNER: ReadonlySet<Global['does']> = new Set<Global['does']>([
  'rebuild-tensor',
  'rebuild-tensor-v2',
  'rebuild-npu-tensor',
  'rebuild-parameter',
])

/** `(data, requires_grad, hooks, …)`. Attributes do not change the elements and are ignored. */
function parameter([data, grad]: readonly Value[], site: CallSite): TensorValue {
  requiresGrad(grad!, site)
  if (isKind(data, 'tensor')) return data
  throw malformed(`a parameter of ${typeName(data!)}, expected a tensor`, site)
}

/** What an inert value was made of is forgotten, so it must not be a tensor, or what may hold one. */
function refuseTensor(what: string, arg: Value, site: CallSite): void {
  const isPlain = arg === null || typeof arg !== 'object' || arg.kind === 'float' || arg.kind === 'inert'
  if (!isPlain) throw malformed(`${what} of ${typeName(arg)}`, site)
}

function arity(name: string, args: readonly Value[], allowed: readonly number[], site: CallSite): void {
  if (allowed.includes(args.length)) return
  throw malformed(`${name} with ${args.length} arguments, expected ${allowed.join(' or ')}`, site)
}

/** `(storage, offset, size, stride, requires_grad, hooks, …)`. Hooks do not change the elements and are ignored. */
function tensor([storage, offset, size, stride, grad]: readonly Value[], site: CallSite): TensorValue {
  if (!isKind(storage, 'storage')) throw malformed(`a tensor over ${typeName(storage!)}, expected a storage`, site)
  const shape = tuple(size, 'the size of a tensor', site).items
  const strides = tuple(stride, 'the stride of a tensor', site).items
  if (grad !== undefined) requiresGrad(grad, site)
  withinBudget(site.budgets, 'rank', shape.length, 'dimensions of a tensor', site)
  if (shape.length !== strides.length) throw badTensor(`${shape.length} sizes but ${strides.length} strides`, site)
  const start = wholeNumber(offset!, 'an offset', site)
  const sizes = shape.map((size) => wholeNumber(size, 'a size', site))
  const steps = strides.map((stride) => wholeNumber(stride, 'a stride', site))
  checkWithin(storage, start, sizes, steps, site)
  return { kind: 'tensor', storage, offset: start, shape: sizes, strides: steps }
}

/** Checks in exact arithmetic that a view lies within its storage. One without elements reads nothing. */
function checkWithin(
  { key, numel }: StorageValue,
  start: number,
  sizes: readonly number[],
  steps: readonly number[],
  site: CallSite,
): void {
  const count = sizes.reduce((product, size) => product * BigInt(size), 1n)
  if (count > BigInt(Number.MAX_SAFE_INTEGER)) throw badTensor(`${count} elements`, site)
  if (count === 0n) {
    if (start > numel) throw badTensor(`starts at element ${start} of ${numel}`, site)
    return
  }
  const last = sizes.reduce((at, size, i) => at + BigInt(size - 1) * BigInt(steps[i]!), BigInt(start))
  if (last < BigInt(numel)) return
  throw badTensor(`reaches element ${last} of storage '${printable(key)}', which has ${numel}`, site)
}

function requiresGrad(value: Value, site: CallSite): void {
  if (typeof value !== 'boolean') throw malformed(`a requires_grad that is ${typeName(value)}, expected a bool`, site)
}

/** Metadata changes what the elements mean (a conjugated or negated view), so it is never ignored. */
function refuseMetadata(metadata: Value | undefined, site: CallSite): void {
  if (metadata === undefined || metadata === null) return
  if (isKind(metadata, 'dict') && metadata.entries.size === 0) return
  const message = 'the tensor carries metadata (a negated or conjugated view); save it as logits.clone()'
  throw new GoldenLogitsError('bad-tensor', message, site)
}

function tuple(value: Value | undefined, what: string, site: CallSite): TupleValue {
  if (isKind(value, 'tuple')) return value
  throw malformed(`${what} is ${typeName(value!)}, expected a tuple`, site)
}

function malformed(message: string, site: CallSite): GoldenLogitsError {
  return new GoldenLogitsError('malformed-pickle', `malformed pickle: ${message}`, site)
}

function wholeNumber(value: Value, what: string, site: CallSite): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  const actual = typeof value === 'number' || typeof value === 'bigint' ? printable(String(value)) : typeName(value)
  throw badTensor(`${what} of ${actual}, expected a whole number from 0`, site)
}

function badTensor(message: string, site: CallSite): GoldenLogitsError {
  return new GoldenLogitsError('bad-tensor', `impossible tensor: ${message}`, site)
}

/**
 * A persistent id: `('storage', class, key, location, numel)`, followed by `None` in legacy files (the metadata of a
 * view). The location names the device that the tensor was on. It is a label and not used.
 */
export function persistentStorage(id: Value, legacy: boolean, where: Pick<CallSite, 'file' | 'offset'>): StorageValue {
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

function badStorage(message: string, where: Pick<CallSite, 'file' | 'offset'>): GoldenLogitsError {
  return new GoldenLogitsError('bad-storage', message, where)
}
