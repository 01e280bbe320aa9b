import { GoldenLogitsError } from '../../errors.js'
import { type Limits, withinLimit } from '../../io/limits.js'
import { type Key, type TensorValue, typeName, type Value } from './values.js'

export interface FoundTensor {
  /** The way to it through the containers: `''`, `'0'`, `'logits'`, `'past.0.1'`. */
  readonly name: string
  readonly tensor: TensorValue
}

/**
 * Every tensor of an unpickled object, in stored order. Walks without recursion, and into each container once, so that
 * neither cycles nor containers shared a million times cost more than the pickle's own size.
 * @throws GoldenLogitsError `no-tensor`, `limit-exceeded`
 */
export function findTensors(root: Value, file: string, limits: Limits): FoundTensor[] {
  const found: FoundTensor[] = []
  const seen = new Set<Value>()
  const open: { value: Value; name: string; depth: number }[] = [{ value: root, name: '', depth: 0 }]
  for (let next = open.pop(); next; next = open.pop()) {
    const { value, name, depth } = next
    if (typeof value !== 'object' || value === null) continue
    if (value.kind === 'tensor') {
      found.push({ name, tensor: value })
      withinLimit(limits, 'tensors', found.length, 'tensors in the file', { file })
      continue
    }
    if (seen.has(value)) continue
    seen.add(value)
    const children = childrenOf(value)
    if (children.length === 0) continue
    withinLimit(limits, 'nesting', depth + 1, 'nested containers', { file })
    for (const [key, child] of children.reverse()) {
      open.push({ value: child, name: name === '' ? key : `${name}.${key}`, depth: depth + 1 })
    }
  }
  if (found.length > 0) return found
  const message = `holds ${typeName(root)} without a tensor; expected the logits: torch.save(logits, path)`
  throw new GoldenLogitsError('no-tensor', message, { file })
}

function childrenOf(value: Exclude<Value, TensorValue | string | number | bigint | boolean | null>): [string, Value][] {
  if (value.kind === 'dict') return [...value.entries.values()].map(({ key, value }) => [keyName(key), value])
  if (value.kind === 'tuple' || value.kind === 'list') return value.items.map((child, i) => [String(i), child])
  return []
}

/** A key as Python prints it. */
function keyName(key: Key): string {
  if (key === null) return 'None'
  if (typeof key === 'boolean') return key ? 'True' : 'False'
  if (typeof key !== 'object') return String(key)
  if (Number.isInteger(key.value)) return key.value.toFixed(1)
  return String(key.value).toLowerCase().replace('infinity', 'inf')
}
