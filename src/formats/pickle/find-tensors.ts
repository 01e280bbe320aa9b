import { GoldenLogitsError, printable } from '../../errors.js'
import { type Budgets, withinBudget } from '../../io/budgets.js'
import {
  type DictValue,
  isKind,
  type Key,
  type ListValue,
  type StorageValue,
  type TensorValue,
  type TupleValue,
  typeName,
  type Value,
} from './values.js'

export interface NamedTensor {
  /** The path to the tensor through the containers: `''`, `'0'`, `'logits'`, `'past.0.1'`. */
  readonly name: string
  readonly tensor: TensorValue
}

type Container = TupleValue | ListValue | DictValue

/** A value that is or may contain a tensor. */
type Node = TensorValue | Container

/**
 * Every tensor of an unpickled object, in stored order. Does not recurse, and visits each container once, so that the
 * cost is bounded by the size of the pickle even if containers form cycles or are shared a million times.
 * @throws GoldenLogitsError `no-tensor`, `limit-exceeded`
 */
export function findTensors(root: Value, file: string, budgets: Budgets): NamedTensor[] {
  const tensors: NamedTensor[] = []
  const seen = new Set<Node>()
  const open: { node: Node; name: string; depth: number }[] = isNode(root) ? [{ node: root, name: '', depth: 0 }] : []
  for (let next = open.pop(); next; next = open.pop()) {
    const { node, name, depth } = next
    if (node.kind === 'tensor') {
      tensors.push({ name, tensor: node })
      withinBudget(budgets, 'tensors', tensors.length, 'tensors in the file', { file })
      continue
    }
    if (seen.has(node)) continue
    seen.add(node)
    withinBudget(budgets, 'nesting', depth + 1, 'nested containers', { file })
    const prefix = name === '' ? '' : `${name}.`
    // The first child must be popped first.
    for (const [key, child] of [...childrenOf(node)].reverse()) {
      if (isNode(child)) open.push({ node: child, name: prefix + keyName(key), depth: depth + 1 })
    }
  }
  if (tensors.length > 0) return tensors
  const message = `holds ${typeName(root)} without a tensor; expected the logits: torch.save(logits, path)`
  throw new GoldenLogitsError('no-tensor', message, { file })
}

function isNode(value: Value): value is Node {
  if (isKind(value, 'dict')) return value.entries.size > 0
  if (isKind(value, 'tuple') || isKind(value, 'list')) return value.items.length > 0
  return isKind(value, 'tensor')
}

function* childrenOf(value: Container): Iterable<readonly [Key, Value]> {
  if (value.kind === 'dict') for (const { key, value: child } of value.entries.values()) yield [key, child]
  else for (const [i, child] of value.items.entries()) yield [i, child]
}

/** A key as Python would print it. */
function keyName(key: Key): string {
  if (key === null) return 'None'
  if (typeof key === 'boolean') return key ? 'True' : 'False'
  if (typeof key !== 'object') return String(key)
  if (Number.isInteger(key.value)) return key.value.toFixed(1)
  return String(key.value).toLowerCase().replace('infinity', 'inf')
}

/**
 * The storages of the tensors, by key. All tensors must describe a storage in the same way.
 * @throws GoldenLogitsError `bad-storage`
 */
export function storagesOf(file: string, tensors: readonly NamedTensor[]): Map<string, StorageValue> {
  const storages = new Map<string, StorageValue>()
  for (const { tensor } of tensors) {
    const { key, numel, dtype } = tensor.storage
    const other = storages.get(key)
    if (other && (other.numel !== numel || other.dtype !== dtype)) {
      throw new GoldenLogitsError('bad-storage', `describes storage '${printable(key)}' in two ways`, { file })
    }
    storages.set(key, tensor.storage)
  }
  return storages
}
