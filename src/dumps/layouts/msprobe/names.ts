import { wholeNumberIn } from '../../../io/numbered-text.js'

/** The folder of the tensors of one process. */
export const TENSORS = 'dump_tensor_data'

/** The file that lists the tensors of one process, or their statistics. */
export const TABLE = 'dump.json'

/** A tensor that went into a module or function, or came out of it. */
export interface TensorName {
  /** Its call in the table: `Module.lm_head.Linear.forward.0`. */
  readonly key: string
  /** The module with its class, without the call: `Module.lm_head.Linear`. */
  readonly module: string
  /** `lm_head`; the name of the function if msprobe recorded no modules: `Functional.silu`. */
  readonly layer: string
  /** `Linear` */
  readonly type: string
  /** Which call of the module this is, from 0. */
  readonly call: number
  readonly side: 'inputs' | 'outputs'
  /** The index in what the module returned, or was called with; undefined if it has another name. */
  readonly index: number | undefined
}

const MODULE = /^((\w+)\.(.+)\.forward\.(\d{1,15}))\.(input|output)\.([^/]+)\.(?:pt|npy)$/
const FUNCTION = /^((\w+)\.(.+)\.(\d{1,15})\.forward)\.(input|output)\.([^/]+)\.(?:pt|npy)$/

/** A module's tensor, `Module.a.b.Linear.forward.0.input.0.pt`, or a function's, `Functional.silu.0.forward.output.0.pt`. */
export function parseTensor(file: string): TensorName | undefined {
  const match = MODULE.exec(file)
  const parts = match ?? FUNCTION.exec(file)
  if (!parts) return undefined
  const [, key, group, path, call, side, index] = parts as unknown as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ]
  const module = `${group}.${path}`
  // The last part of a module's path is its class. The model itself has no other part.
  const end = match ? path.lastIndexOf('.') : -1
  return {
    key,
    module,
    layer: match && group === 'Module' ? path.slice(0, end < 0 ? undefined : end) : module,
    type: path.slice(end + 1),
    call: Number(call),
    side: side === 'input' ? 'inputs' : 'outputs',
    index: /^\d{1,9}$/.test(index) ? Number(index) : undefined,
  }
}

/** An output of a module: `Module.lm_head.Linear.forward.0.output.0.pt`. */
export function parseOutput(file: string): (TensorName & { readonly index: number }) | undefined {
  const tensor = parseTensor(file)
  return tensor?.side === 'outputs' && tensor.index !== undefined ? { ...tensor, index: tensor.index } : undefined
}

/** The number of a step folder: `step3`. */
export function parseStep(name: string): number | undefined {
  return name.startsWith('step') ? wholeNumberIn(name.slice(4)) : undefined
}

/** A folder of one process: `rank0` of a distributed run, else `proc1234`. */
export function parseRank(name: string): { kind: 'rank' | 'proc'; number: number } | undefined {
  const match = /^(rank|proc)(\d{1,15})$/.exec(name)
  return match ? { kind: match[1] as 'rank' | 'proc', number: Number(match[2]) } : undefined
}
