import { basename, dirname, join } from 'node:path'
import { openFile } from '../io/file-source.js'
import { kindOf, listFolder } from '../io/folder.js'
import { isHeadName, parseAtbLayer, parseDevice } from './names.js'

/** What a run's topology files say beside the dump itself, which may have kept only one of its heads. */
export interface Topology {
  /** ATB models in the process: 2 where prefill and decoder are separate; 0 where there are no topology files. */
  models: number
  /** The ids of all LM heads of the run, ascending; empty where the files do not tell. */
  heads: number[]
}

// A topology is a list of names; one that is larger than this is not worth the reading for a step number.
const MAX_MODEL_BYTES = 8 * 1024 * 1024

/**
 * Reads `model/{PID}/*.json` (one file per ATB model) and the names of `layer/{PID}/{OpName}_{id}.json`; in msprobe's
 * layout both are in `info/…/{device}_{PID}`. A copied device folder has lost them.
 */
export function readTopology(device: string): Topology {
  const name = parseDevice(basename(device))
  if (!name) return { models: 0, heads: [] }
  const run = dirname(dirname(device))
  const models = jsonFiles(join(run, 'model', name.pid), join(run, 'info', 'model', basename(device)))
  const layers = jsonFiles(join(run, 'layer', name.pid), join(run, 'info', 'layer', basename(device)))
  const names = [...layers.map((file) => basename(file, '.json')), ...models.flatMap(operationNames)]
  const heads = names.map(parseAtbLayer).filter((layer) => layer !== undefined && isHeadName(layer.op))
  return { models: models.length, heads: [...new Set(heads.map((layer) => layer!.id))].sort((a, b) => a - b) }
}

function jsonFiles(...folders: string[]): string[] {
  return folders
    .filter((folder) => kindOf(folder) === 'folder')
    .flatMap((folder) =>
      listFolder(folder)
        .filter((e) => e.kind === 'file' && e.name.endsWith('.json'))
        .map((e) => join(folder, e.name)),
    )
}

/** The operation names in a model file, found as text: the file is not trusted enough to build an object from it. */
function operationNames(file: string): string[] {
  const source = openFile(file)
  try {
    if (source.size > MAX_MODEL_BYTES) return []
    const bytes = new Uint8Array(source.size)
    source.read(0, bytes)
    return [...new TextDecoder().decode(bytes).matchAll(/"(?:opName|nodeName)"\s*:\s*"([^"\\]{1,200})"/g)].map(
      (match) => match[1]!,
    )
  } finally {
    source.close()
  }
}
