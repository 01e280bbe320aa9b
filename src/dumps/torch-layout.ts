import { basename, join, relative } from 'node:path'
import { GoldenLogitsError, shown } from '../errors.js'
import { listFolder, tryListFolder } from '../io/folder.js'
import { ignoredAs, outputsOf } from './locate.js'
import { isHeadName, parseOutput, parseTid } from './names.js'
import { joinRanks, type LayoutScan, type StepPart } from './rank-steps.js'
import { type DeviceSelection, isWithin } from './selection.js'
import type { IgnoredPath, LoadDumpOptions } from './types.js'

/** Torch layout: `{TID}/{LayerName}/output.pth`, where the folder `{TID}` is the step. */
export function scanTorch(ranks: readonly DeviceSelection[], options: LoadDumpOptions): LayoutScan {
  const ignored: IgnoredPath[] = []
  const notes: string[] = []
  const scanned = ranks.map((selection) => ({ selection, parts: scanRank(selection, options, ignored) }))
  const first = scanned.flatMap(({ parts }) => [...parts.keys()]).reduce((a, b) => Math.min(a, b), Infinity)
  const shift = options.firstStep === undefined ? 0 : options.firstStep - first
  if (shift !== 0) notes.push(`firstStep ${options.firstStep}: folder ${first} is step ${options.firstStep}`)
  notes.push(...laterOutputs(scanned))
  const shifted = scanned.map(({ selection, parts }) => ({
    selection,
    parts: new Map([...parts].map(([tid, part]) => [tid + shift, part])),
  }))
  return { steps: joinRanks(shifted, ignored), notes, ignored, stepsAssumed: false }
}

/** A module whose first output is not there: the one that is taken for the logits is a guess, unless the path names it. */
function laterOutputs(ranks: readonly { selection: DeviceSelection; parts: Map<number, StepPart> }[]): string[] {
  const guessed = ranks.flatMap(({ selection: { tids }, parts }) =>
    [...parts].filter(([tid, { file }]) => {
      return file !== undefined && !tids?.get(tid)?.includes(file) && parseOutput(basename(file))!.some((n) => n > 0)
    }),
  )
  const [first, ...others] = guessed
  if (!first) return []
  const [tid, { file }] = first
  const more = others.length > 0 ? `, and in ${others.length} more` : ''
  return [`no first output in folder ${tid}${more}: ${basename(file!)} compared, the first that is there`]
}

function scanRank(selection: DeviceSelection, options: LoadDumpOptions, ignored: IgnoredPath[]): Map<number, StepPart> {
  const parts = new Map<number, StepPart>()
  for (const { name, kind } of listFolder(selection.folder)) {
    const tid = kind === 'folder' ? parseTid(name) : undefined
    const path = join(selection.folder, name)
    if (tid === undefined) {
      if (name !== 'model_tree.json') ignored.push({ path, reason: ignoredAs(kind, 'not a step folder') })
    } else if (!selection.tids || selection.tids.has(tid)) {
      parts.set(tid, scanStep(path, selection.tids?.get(tid) ?? [], options, ignored))
    }
  }
  return parts
}

function scanStep(step: string, named: readonly string[], options: LoadDumpOptions, ignored: IgnoredPath[]): StepPart {
  const folders: string[] = []
  const { entries, problem } = tryListFolder(step)
  if (problem !== undefined) return { layer: '', problem }
  for (const { name, kind } of entries) {
    if (kind === 'folder') folders.push(name)
    else ignored.push({ path: join(step, name), reason: ignoredAs(kind, 'not a layer folder') })
  }
  const wanted = named.length > 0 ? folders.filter((f) => named.some((path) => isWithin(join(step, f), path))) : folders
  if (wanted.length === 0) return { layer: '', problem: `no layer folder in ${shown(step, 300)}` }
  const layer = pickLayer(step, wanted, options.layer)
  if (layer === undefined)
    return { layer: options.layer!, problem: `no layer folder '${shown(options.layer!)}' in ${shown(step, 300)}` }
  const folder = join(step, layer)
  const files = named.filter((path) => path !== folder && isWithin(folder, path)).map((path) => relative(folder, path))
  return pickOutput(folder, layer, files, ignored)
}

/** The layer that emits the logits: the only one, the one the caller names, or the only one that is named like a head. */
function pickLayer(step: string, folders: string[], wanted: string | undefined): string | undefined {
  if (wanted !== undefined) return folders.find((name) => name === wanted)
  if (folders.length === 1) return folders[0]
  const heads = folders.filter(isHeadName)
  if (heads.length === 1) return heads[0]
  const some = (heads.length > 1 ? heads : folders).slice(0, 4).map((name) => shown(name, 40))
  const found = `holds ${folders.length} layers and ${heads.length} of them are named like an LM head (${some.join(', ')}…)`
  throw new GoldenLogitsError('ambiguous-layer', `${found}; name the one that emits the logits by the option layer`, {
    file: step,
  })
}

/** The logits file of a layer: `output.pth`, else the first of a tuple's outputs; the others are listed as ignored. */
function pickOutput(folder: string, layer: string, named: string[], ignored: IgnoredPath[]): StepPart {
  const { entries, problem } = tryListFolder(folder)
  if (problem !== undefined) return { layer, problem }
  const outputs = outputsOf(entries)
  const [first, ...others] = named.length > 0 ? named : outputs
  if (first === undefined) {
    const found =
      entries.length === 0
        ? 'the folder is empty'
        : `found ${entries
            .slice(0, 3)
            .map((e) => shown(e.name, 40))
            .join(', ')}`
    return { layer, problem: `no output.pth in ${shown(folder, 300)} (${found})` }
  }
  for (const name of others)
    ignored.push({ path: join(folder, name), reason: `a further output of the layer; ${first} is compared` })
  return { layer, file: join(folder, first) }
}
