/** The folder of the tensors of one process. */
export const TENSORS = 'dump_tensor_data'

/** The file that lists the tensors of one process, or their statistics. */
export const TABLE = 'dump.json'

/** An output of a module: `Module.lm_head.Linear.forward.0.output.0.pt`. */
export interface OutputName {
  /** `lm_head`; the name of the function if msprobe recorded no modules. */
  readonly layer: string
  /** Which call of the module this is, from 0. */
  readonly call: number
  /** The index in what the module returned. */
  readonly index: number
}

export function parseOutput(name: string): OutputName | undefined {
  const match = /^(\w+)\.(.+)\.forward\.(\d{1,15})\.output\.(\d{1,9})\.(?:pt|npy)$/.exec(name)
  if (match) {
    const [, kind, path, call, index] = match as unknown as [string, string, string, string, string]
    // The last part of a module's path is its class.
    const layer = kind === 'Module' ? path.replace(/\.[^.]+$/, '') : `${kind}.${path}`
    return { layer, call: Number(call), index: Number(index) }
  }
  const api = /^(\w+\..+)\.(\d{1,15})\.forward\.output\.(\d{1,9})\.(?:pt|npy)$/.exec(name)
  if (!api) return undefined
  return { layer: api[1]!, call: Number(api[2]), index: Number(api[3]) }
}

/** The number of a step folder: `step3`. */
export function parseStep(name: string): number | undefined {
  const match = /^step(0|[1-9]\d{0,14})$/.exec(name)
  return match ? Number(match[1]) : undefined
}

/** A folder of one process: `rank0` of a distributed run, else `proc1234`. */
export function parseRank(name: string): { kind: 'rank' | 'proc'; number: number } | undefined {
  const match = /^(rank|proc)(\d{1,15})$/.exec(name)
  return match ? { kind: match[1] as 'rank' | 'proc', number: Number(match[2]) } : undefined
}
