import { basename, dirname, join } from 'node:path'
import { TextDecoder } from 'node:util'
import { readBytes } from '../../../io/byte-source.js'
import { withFile } from '../../../io/file-source.js'
import { type FolderEntry, kindOf, listFolder } from '../../../io/folder.js'
import { isHeadName, parseDevice } from '../names.js'
import { parseAtbLayer } from './names.js'

/** What a run's topology files say about its heads. The dump itself may contain only one of them. */
export interface Topology {
  /** ATB models in the process: 2 if prefill and decoder are separate models, 0 if there are no topology files. */
  models: number
  /** The ids of all LM heads of the run, ascending; empty if the files name none. */
  heads: number[]
}

// A topology file is a list of names. A larger file is skipped: it costs too much for a step number.
const MAX_MODEL_BYTES = 8 * 1024 * 1024

/**
 * Reads `model/{PID}/*.json` (one file per ATB model) and the names of `layer/{PID}/{OpName}_{id}.json`; in msprobe's
 * layout both are in `info/…/{device}_{PID}`. A device folder copied without its run has no topology files.
 */
export function readTopology(device: string): Topology {
  const name = parseDevice(basename(device))
  if (!name) return { models: 0, heads: [] }
  return topologyOf(dirname(dirname(device)), name.pid, basename(device))
}

/** The topology of every process of a run, by the name of its folder: `{PID}`, or `{device}_{PID}` in msprobe's layout. */
export function runTopologies(run: string): Map<string, Topology> {
  const names = ['model', 'layer', 'info/model', 'info/layer'].flatMap((folder) => {
    const folders = entriesIn(join(run, folder)).filter(({ kind }) => kind === 'folder')
    return folders.map(({ name }) => name)
  })
  return new Map([...new Set(names)].map((name) => [name, topologyOf(run, name, name)]))
}

/** @param pid the folder's name in msit's layout @param device that in msprobe's */
function topologyOf(run: string, pid: string, device: string): Topology {
  const models = jsonFiles(join(run, 'model', pid), join(run, 'info', 'model', device))
  const layers = jsonFiles(join(run, 'layer', pid), join(run, 'info', 'layer', device))
  const names = [...layers.map((file) => basename(file, '.json')), ...models.flatMap(operationNames)]
  const heads = names.map(parseAtbLayer).filter((layer) => layer !== undefined && isHeadName(layer.op))
  return { models: models.length, heads: [...new Set(heads.map((layer) => layer!.id))].sort((a, b) => a - b) }
}

function jsonFiles(...folders: string[]): string[] {
  return folders.flatMap((folder) => {
    const files = entriesIn(folder).filter(({ name, kind }) => kind === 'file' && name.endsWith('.json'))
    return files.map(({ name }) => join(folder, name))
  })
}

/** Nothing if the folder is not there. */
function entriesIn(folder: string): FolderEntry[] {
  return kindOf(folder) === 'folder' ? listFolder(folder) : []
}

/** The operation names in a model file, matched as text: the file is untrusted, so no object is built from it. */
function operationNames(file: string): string[] {
  const text = withFile(file, (source) =>
    source.size > MAX_MODEL_BYTES ? '' : new TextDecoder().decode(readBytes(source, 0, source.size)),
  )
  return [...text.matchAll(/"(?:opName|nodeName)"\s*:\s*"([^"\\]{1,200})"/g)].map((match) => match[1]!)
}
