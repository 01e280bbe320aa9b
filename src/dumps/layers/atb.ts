import { basename, dirname, join } from 'node:path'
import { type FolderEntry, tryListFolder } from '../../io/folder.js'
import { compareNames } from '../../io/name-order.js'
import { type LayerName, parseAtbLayer } from '../layouts/atb/names.js'
import { isHeadName } from '../layouts/names.js'
import type { Layer, StepLayers } from './types.js'

/** Operations nest: model, layer, block, operation. */
const MAX_DEPTH = 8

/**
 * The operations of one step of an ATB run: of the model (prefill or decoder) to which the LM head belongs: those
 * with an id up to the head's and above that of the head before it.
 * @param head the output file of the LM head, `{TID}/{id}_{Op}/after/outtensor0.bin`
 */
export function atbLayers(head: string): StepLayers {
  const headFolder = dirname(dirname(head))
  const folder = dirname(headFolder)
  const last = parseAtbLayer(basename(headFolder))
  const { entries } = tryListFolder(folder)
  const operations = operationsIn(entries)
  const previous = operations.filter(({ id, op }) => last && id < last.id && isHeadName(op)).map(({ id }) => id)
  const from = Math.max(-1, ...previous)
  const isOfModel = ({ id }: LayerName) => !last || (id <= last.id && id > from)
  const layers = operations.filter(isOfModel).flatMap(({ name, op }) => within(join(folder, name), name, op, MAX_DEPTH))
  const names = new Set(operations.map(({ name }) => name))
  return {
    folder,
    layers,
    order: 'recorded',
    ignored: entries.filter(({ name }) => !names.has(name)).map(({ name }) => name),
  }
}

/** An operation after the operations inside it. */
function within(folder: string, path: string, op: string, depth: number): Layer[] {
  const { entries, problem } = tryListFolder(folder)
  const inner = depth === 0 ? [] : operationsIn(entries)
  const children = inner.flatMap(({ name, op }) => within(join(folder, name), `${path}/${name}`, op, depth - 1))
  const layer = {
    name: path,
    type: op,
    outputs: tensors(join(folder, 'after'), /^outtensor\d{1,9}\.bin$/),
    inputs: tensors(join(folder, 'before'), /^intensor\d{1,9}\.bin$/),
    problem,
  }
  const isEmpty = layer.outputs.length + layer.inputs.length === 0 && problem === undefined
  return isEmpty ? children : [...children, layer]
}

/** The folders of operations, by id. */
function operationsIn(entries: readonly FolderEntry[]): (LayerName & { name: string })[] {
  const operations = entries.flatMap(({ name, kind }) => {
    const operation = kind === 'folder' ? parseAtbLayer(name) : undefined
    return operation ? [{ ...operation, name }] : []
  })
  return operations.sort((a, b) => a.id - b.id)
}

function tensors(folder: string, pattern: RegExp): string[] {
  const names = tryListFolder(folder).entries.map(({ name }) => name)
  return names
    .filter((name) => pattern.test(name))
    .sort(compareNames)
    .map((name) => join(folder, name))
}
