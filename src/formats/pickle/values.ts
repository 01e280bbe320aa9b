import type { Dtype } from '../../tensor/dtype.js'

/** What a torch pickle may build: plain data and descriptions of tensors. Nothing in it can be called. */
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
  | DeviceValue

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
  /**
   * By `keyText`. Strings alone are hashed with a secret seed: keys of other types could be chosen so that all collide.
   */
  readonly entries: Map<string, { readonly key: Key; readonly value: Value }>
}

export type Key = null | boolean | number | bigint | string | FloatValue

/** A float, told from an int even where it is whole: `4.0` is no size of a tensor. */
export interface FloatValue {
  readonly kind: 'float'
  readonly value: number
}

/** A name of the allow-list. */
export interface GlobalValue {
  readonly kind: 'global'
  readonly global: Global
}

export type Global =
  | { does: 'rebuild-tensor-v2' | 'rebuild-tensor' | 'rebuild-npu-tensor' | 'rebuild-parameter' }
  | { does: 'ordered-dict' | 'size' | 'device' }
  | { does: 'storage'; dtype: Dtype }
  | { does: 'dtype' }

/** A persistent id: which record of the file holds the elements, and how many there are. */
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

/** A `torch.device`: it says nothing about logits, and is kept only so that the pickle stays readable. */
export interface DeviceValue {
  readonly kind: 'device'
}

/** The entry of a dict under a text. */
export function entryOf({ entries }: DictValue, key: string): Value | undefined {
  return entries.get(keyText(key))?.value
}

/**
 * A key as `entries` spells it: a text as it is, since one of a megabyte may come a hundred thousand times and must not be
 * copied each time; all others behind a lone surrogate, which no text of a pickle holds. As in Python, `1`, `1.0` and
 * `True` are one key.
 */
export function keyText(key: Key): string {
  if (typeof key === 'string') return key
  if (typeof key === 'boolean') return `\ud800${Number(key)}`
  if (key === null || typeof key !== 'object') return `\ud800${key}`
  return `\ud800${Number.isInteger(key.value) ? BigInt(key.value) : key.value}`
}

/** What the value is called in an error. */
export function typeName(value: Value): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return 'a bool'
  if (typeof value === 'number' || typeof value === 'bigint') return 'a number'
  if (typeof value === 'string') return 'a str'
  return value.kind === 'dict' && value.ordered ? 'an OrderedDict' : `a ${value.kind}`
}
