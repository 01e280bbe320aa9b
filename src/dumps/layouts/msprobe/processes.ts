import { basename, join } from 'node:path'
import { GoldenLogitsError, printable } from '../../../errors.js'
import { tryListFolder } from '../../../io/folder.js'
import { compareNames } from '../../../io/name-order.js'
import { rankAlone, type ScanContext } from '../layout.js'
import { isHeadName } from '../names.js'
import { parseOutput, parseRank, TENSORS } from './names.js'

/** The outputs that one process wrote in one step. */
export interface Process {
  readonly folder: string
  readonly hasTensors: boolean
  /** By layer and call: the first output's file. */
  readonly outputs: ReadonlyMap<string, ReadonlyMap<number, string>>
}

export function readProcess(folder: string): Process {
  const tensors = join(folder, TENSORS)
  const { entries } = tryListFolder(tensors)
  const outputs = new Map<string, Map<number, string>>()
  const lowest = new Map<string, number>()
  for (const { name } of entries) {
    const output = parseOutput(name)
    if (!output) continue
    const { layer, call, index } = output
    const key = `${call}\0${layer}`
    if (index >= (lowest.get(key) ?? Number.POSITIVE_INFINITY)) continue
    lowest.set(key, index)
    const calls = outputs.get(layer) ?? new Map<number, string>()
    outputs.set(layer, calls.set(call, join(tensors, name)))
  }
  return { folder, hasTensors: entries.length > 0, outputs }
}

/** The processes whose logits belong together: all ranks in numeric order, or the only process. */
export function pickProcesses(
  { path: step, processes }: { readonly path: string; readonly processes: readonly string[] },
  context: ScanContext,
): string[] {
  const { path, options, ignored } = context
  const sorted = [...processes].sort((a, b) => compareNames(basename(a), basename(b)))
  const named = sorted.filter((folder) => basename(folder) === options.run)
  const some = named.length > 0 ? named : sorted
  const loose = some.filter((folder) => parseRank(basename(folder))?.kind === 'proc')
  if (loose.length > 1) {
    const names = loose.slice(0, 5).map((folder) => printable(basename(folder), 40))
    const message = `${printable(basename(step))} holds ${loose.length} processes: ${names.join(', ')}; choose one with the option run: '${names[0]}'`
    throw new GoldenLogitsError('ambiguous-run', message, { file: path })
  }
  const alone = rankAlone(context, some.length)
  if (alone === undefined) return some
  for (const [rank, folder] of some.entries()) if (rank !== alone) ignored.add(folder, 'another rank')
  return [some[alone]!]
}

/** The layer that emits the logits: the one in the option `layer`, else the only one named like a head, else the only one. */
export function pickLayer(processes: readonly Process[], { path, options }: ScanContext): string {
  const layers = [...new Set(processes.flatMap(({ outputs }) => [...outputs.keys()]))]
  const heads =
    options.layer === undefined ? layers.filter(isHeadName) : layers.filter((name) => name === options.layer)
  if (heads.length === 1) return heads[0]!
  if (options.layer === undefined && layers.length === 1) return layers[0]!
  const some = (heads.length > 1 ? heads : layers).slice(0, 4).map((name) => printable(name, 40))
  const list = `${some.join(', ')}${layers.length > some.length ? '…' : ''}`
  const wanted = options.layer === undefined ? 'named like an LM head' : `named '${printable(options.layer, 40)}'`
  const hint = layers.every((name) => /^(Functional|Torch|Tensor|Aten|VF|NPU)\./.test(name))
    ? '; msprobe recorded functions alone, which do not show the head: dump with "level": "L0" or "mix"'
    : ''
  const message = `holds ${layers.length} layers and ${heads.length} of them are ${wanted} (${list}); name the one that emits the logits with the option layer${hint}`
  throw new GoldenLogitsError('ambiguous-layer', message, { file: path })
}
