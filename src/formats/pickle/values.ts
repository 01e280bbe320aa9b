import type { Dtype } from '../../tensor/dtype.js'

/** What a torch pickle may build: plain data and descriptions of tensors. Nothing that can be called. */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | TupleValue
  | ListValue
  | DictValue
  | GlobalValue
  | FloatValue
  | StorageValue
  | TensorValue
  | InertValue

export interface TupleValue {
  readonly kind: 'tuple'
  readonly items: readonly Value[]
}

export interface ListValue {
  readonly kind: 'list'
  readonly items: Value[]
}

/** A dict or an OrderedDict. A `Map`, never an object: its keys come from the file. */
export interface DictValue {
  readonly kind: 'dict'
  readonly ordered: boolean
  /** By `keyText`: a hash of strings has a secret seed, so that no file can choose keys that collide. */
  readonly entries: Map<string, { readonly key: Key; readonly value: Value }>
}

export type Key = null | boolean | number | bigint | string | FloatValue

/** A float, kept apart from ints even if it is a whole number: `4.0` is not a valid size of a tensor. */
export interface FloatValue {
  readonly kind: 'float'
  readonly value: number
}

/** A global of the closed list. */
export interface GlobalValue {
  readonly kind: 'global'
  readonly global: Global
}

export type Global =
  | { does: 'rebuild-tensor-v2' | 'rebuild-tensor' | 'rebuild-npu-tensor' | 'rebuild-parameter' }
  | { does: 'rebuild-parameter-with-state' | 'rebuild-from-type' }
  | { does: 'ordered-dict' | 'set' | 'size' }
  | { does: 'inert'; what: string; arity: readonly number[] }
  | { does: 'type' }
  | { does: 'storage'; dtype: Dtype }
  | { does: 'dtype' }

/** A persistent id: which record of the file contains the elements, and how many there are. */
export interface StorageValue {
  readonly kind: 'storage'
  readonly key: string
  readonly dtype: Dtype
  /** Number of elements. */
  readonly numel: number
}

/** A view of a storage, checked to lie within it. */
export interface TensorValue {
  readonly kind: 'tensor'
  readonly storage: StorageValue
  /** In elements, like the strides. */
  readonly offset: number
  readonly shape: readonly number[]
  readonly strides: readonly number[]
}

/** A value without tensors, of which only its kind is kept: a `torch.device`, a NumPy scalar, bytes. */
export interface InertValue {
  readonly kind: 'inert'
  readonly what: string
}

/** Whether the value is of this kind. None, bools, numbers and strings are of none. */
export function isKind<K extends Exclude<Value, null | boolean | number | bigint | string>['kind']>(
  value: Value | undefined,
  kind: K,
): value is Extract<Value, { kind: K }> {
  return typeof value === 'object' && value !== null && value.kind === kind
}

/** The value of a dict for a string key. */
export function entryOf({ entries }: DictValue, key: string): Value | undefined {
  return entries.get(keyText(key))?.value
}

/**
 * The key of `entries` for a key of a dict. A string is used as it is: a megabyte of text may appear a hundred thousand
 * times and must not be copied each time. All others get a lone surrogate as prefix, which no string of a pickle can
 * contain. As in Python, `1`, `1.0` and `True` are the same key.
 */
export function keyText(key: Key): string {
  if (typeof key === 'string') return key
  if (typeof key === 'boolean') return `\ud800${Number(key)}`
  if (key === null || typeof key !== 'object') return `\ud800${key}`
  return `\ud800${Number.isInteger(key.value) ? BigInt(key.value) : key.value}`
}

/** How an error names the value. */
export function typeName(value: Value): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return 'a bool'
  if (typeof value === 'number' || typeof value === 'bigint') return 'a number'
  if (typeof value === 'string') return 'a str'
  if (value.kind === 'inert') return value.what
  return value.kind === 'dict' && value.ordered ? 'an OrderedDict' : `a ${value.kind}`
}
