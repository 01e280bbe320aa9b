import type { EntryKind } from '../../io/folder.js'
import { wholeNumberIn } from '../../io/numbered-text.js'

// The folder names that several layouts share. The walk follows only known names and lists everything else as ignored.

/** `{TID}`: a forward pass (torch) or an execution (ATB). */
export const parseTid = wholeNumberIn

/** The kinds of entries that count as a step if their name is a `{TID}`. */
export const STEP_KINDS: readonly EntryKind[] = ['folder', 'link']

/** `msit_dump_{TIMESTAMP}`, the older `ait_dump…`, and msprobe's `atb_dump_data`. */
export function isRunFolder(name: string): boolean {
  return /^(msit|ait)_dump/.test(name) || name === 'atb_dump_data'
}

/** The folder between a run and its device folders. */
export function isTensorsFolder(name: string): boolean {
  return name === 'torch_tensors' || name === 'tensors' || name === 'data'
}

interface DeviceName {
  /** `cuda`, `npu`, `cpu` …; `''` in the ATB layout, whose folder names have none. */
  kind: string
  device: number
  pid: string
}

/** `cuda0_66245`, `cpu_66245` (torch) or `0_1445461` (ATB). */
export function parseDevice(name: string): DeviceName | undefined {
  const match = /^([a-z]*?)(\d{0,9}|None)_(\d{1,15})$/i.exec(name)
  if (!match || (match[1] === '' && !/^\d/.test(name))) return undefined
  const [, kind, device, pid] = match as unknown as [string, string, string, string]
  return { kind: kind.toLowerCase(), device: /^\d+$/.test(device) ? Number(device) : 0, pid }
}

/** Is this the name of a layer or operation that emits logits? */
export function isHeadName(name: string): boolean {
  return /lm_?head|(^|\.)(output_layer|embed_out|logits)$/i.test(name)
}
