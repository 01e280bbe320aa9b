import { wholeNumberIn } from '../../../io/numbered-text.js'
import { isHeadName } from '../names.js'

/** A file of SGLang's dumper: `step=3___rank=0___dump_index=7___name=next_token_logits___recompute_status=disabled.pt`. */
export interface DumperName {
  /** The forward pass, counted from the start of the process. */
  readonly pass: number
  readonly rank: number
  /** The order in which the process dumped its values. */
  readonly index: number
  /** What was dumped. */
  readonly name: string
  /** The decoder layer, if the dump was made for one. */
  readonly layer?: string
  /** A value that was computed again for a backward pass. */
  readonly isRecomputed: boolean
}

/** Versions of the dumper call the number of the pass by these keys. */
const PASS_KEYS = ['step', 'curr_step', 'forward_pass_id'] as const

/** The tags in the name of a file; undefined for any other name. The tags have no order. */
export function parseDumper(file: string): DumperName | undefined {
  if (!file.endsWith('.pt') || !file.includes('___')) return undefined
  const tags = new Map<string, string>()
  for (const part of file.slice(0, -3).split('___')) {
    const at = part.indexOf('=')
    if (at < 1) return undefined
    tags.set(part.slice(0, at), part.slice(at + 1))
  }
  const numberAt = (key: string) => wholeNumberIn(tags.get(key) ?? '')
  const pass = PASS_KEYS.map(numberAt).find((number) => number !== undefined)
  const [rank, index] = [numberAt('rank'), numberAt('dump_index')]
  const name = tags.get('name')
  if (pass === undefined || rank === undefined || index === undefined || !name) return undefined
  const isRecomputed = tags.get('recompute_status') === 'recompute'
  return { pass, rank, index, name, layer: tags.get('layer_id'), isRecomputed }
}

/** An input or output of a module, as the dumper's hooks name it. */
interface HookName {
  /** `model.layers.0.mlp`; `''` for the model itself. */
  readonly module: string
  readonly side: 'inputs' | 'output'
  /** Which of them: an index or a name; `''` if there is one. */
  readonly key: string
}

/** `non_intrusive__model.layers.0.mlp.output`, `non_intrusive__logits_processor.output.next_token_logits`. */
export function parseHook(name: string): HookName | undefined {
  const match = /^non_intrusive__(?:(.+)\.)?(inputs|output)(?:\.([^.]+))?$/.exec(name)
  if (!match) return undefined
  const [, module = '', side, key = ''] = match
  return { module, side: side as HookName['side'], key }
}

/** Is this the name of logits: of a module that makes them, or a name that a user gave them? */
export function isLogitsName(name: string): boolean {
  if (name.startsWith('grad__')) return false
  const hook = parseHook(name)
  if (!hook) return isHeadName(name) || /_logits$/i.test(name)
  return hook.side === 'output' && (hook.key === '' ? isHeadName(hook.module) : /(^|_)logits$/i.test(hook.key))
}
