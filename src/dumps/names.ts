// The names that the producing tools give to their folders. Only these are ever followed; everything else in a dump is
// listed as ignored.

/** `{TID}`: a forward pass (torch) or an execution (ATB). No leading zeros, at most 15 digits: exact as a number. */
export function parseTid(name: string): number | undefined {
  return /^(0|[1-9][0-9]{0,14})$/.test(name) ? Number(name) : undefined
}

/** `msit_dump_{TIMESTAMP}`, the older `ait_dump…`, and msprobe's `atb_dump_data`. */
export function isRunFolder(name: string): boolean {
  return /^(msit|ait)_dump/.test(name) || name === 'atb_dump_data'
}

/** The folder between a run and its device folders. */
export function isTensorsFolder(name: string): boolean {
  return name === 'torch_tensors' || name === 'tensors' || name === 'data'
}

export interface DeviceName {
  /** `cuda`, `npu`, `cpu` …; `''` in the ATB layout, whose folders name no kind. */
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

export interface LayerName {
  id: number
  op: string
}

/** `33_LmHead`, or `LmHead_33` as some documents spell it. */
export function parseAtbLayer(name: string): LayerName | undefined {
  const front = /^(\d{1,9})_(.+)$/s.exec(name)
  if (front) return { id: Number(front[1]), op: front[2]! }
  const back = /^(.+)_(\d{1,9})$/s.exec(name)
  return back ? { id: Number(back[2]), op: back[1]! } : undefined
}

/** Does the name of a layer or operation say that it is a head that emits logits? */
export function isHeadName(name: string): boolean {
  return /lm_?head|(^|\.)(output_layer|embed_out|logits)$/i.test(name)
}

/** `output.pth`, `output_0.pth`, `output_0_1.pth`: the place of a tensor in what a module returned. */
export function parseOutput(name: string): number[] | undefined {
  const match = /^output((?:_\d{1,9})*)\.pth$/.exec(name)
  return match ? match[1]!.split('_').slice(1).map(Number) : undefined
}

/** `logits_{task}_{case}_{step}.pth`: the name up to the case, and the step. */
export function parseFlat(name: string): { run: string; step: number } | undefined {
  const match = /^(logits_.+_\d{1,15})_(\d{1,15})\.pth$/.exec(name)
  return match ? { run: match[1]!, step: Number(match[2]) } : undefined
}
