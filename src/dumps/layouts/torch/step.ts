import { dirname, join, relative } from 'node:path'
import { GoldenLogitsError, printable } from '../../../errors.js'
import { tryListFolder } from '../../../io/folder.js'
import { type IgnoredPaths, ignoredAs, linkProblem } from '../../ignored-paths.js'
import type { RankStep } from '../../ranks.js'
import type { LoadDumpOptions } from '../../types.js'
import { describeContent, STATISTICS_ADVICE } from '../layout.js'
import { isHeadName } from '../names.js'
import { isWithin } from '../selection.js'
import { outputsOf, STATISTICS_FILE } from './names.js'

/**
 * The logits file of one `{TID}` folder.
 * @param named the layer folders and files in it that the caller's path names; empty for the complete folder
 */
export function scanStep(
  step: string,
  named: readonly string[],
  options: LoadDumpOptions,
  ignored: IgnoredPaths,
): RankStep {
  const folders: string[] = []
  const { entries, problem } = tryListFolder(step)
  if (problem !== undefined) return { layer: '', problem }
  const links = new Set<string>()
  for (const { name, kind } of entries) {
    if (kind === 'link' && (isHeadName(name) || name === options.layer)) links.add(name)
    if (kind === 'folder' || links.has(name)) folders.push(name)
    else ignored.add(join(step, name), ignoredAs(kind, 'not a layer folder'), step)
  }
  const isNamed = (name: string) => named.some((path) => isWithin(join(step, name), path))
  const layers = named.length > 0 ? folders.filter(isNamed) : folders
  if (layers.length === 0) return { layer: '', problem: `no layer folder in ${printable(step, 300)}` }
  const layer = pickLayer(step, layers, options.layer)
  if (layer === undefined) {
    return { layer: options.layer!, problem: `${absentLayer(options.layer!)} in ${printable(step, 300)}` }
  }
  const folder = join(step, layer)
  if (links.has(layer) && named.length === 0) return { layer, problem: linkProblem(folder) }
  const files = named.filter((path) => path !== folder && isWithin(folder, path)).map((path) => relative(folder, path))
  return pickOutput(folder, layer, files, ignored)
}

/** Why a step cannot be read that lacks the layer of the option `layer`. */
export function absentLayer(layer: string): string {
  return `no layer folder '${printable(layer)}'`
}

/** The layer that emits the logits: the one in the option `layer`, else the only one, else the only one named like a head. */
function pickLayer(step: string, folders: string[], option: string | undefined): string | undefined {
  if (option !== undefined) return folders.find((name) => name === option)
  if (folders.length === 1) return folders[0]
  const heads = folders.filter(isHeadName)
  if (heads.length === 1) return heads[0]
  const some = (heads.length > 1 ? heads : folders).slice(0, 4).map((name) => printable(name, 40))
  const message = `holds ${folders.length} layers and ${heads.length} of them are named like an LM head (${some.join(', ')}…); name the one that emits the logits with the option layer`
  throw new GoldenLogitsError('ambiguous-layer', message, { file: step })
}

/** The logits file of a layer: `output.pth`, else the first output of a tuple; the others are listed as ignored. */
function pickOutput(folder: string, layer: string, named: string[], ignored: IgnoredPaths): RankStep {
  const { entries, problem } = tryListFolder(folder)
  if (problem !== undefined) return { layer, problem }
  const outputs = outputsOf(entries)
  const [first, ...others] = named.length > 0 ? named : outputs
  if (first === undefined) {
    const advice = entries.some(({ name }) => name === STATISTICS_FILE) ? `: ${STATISTICS_ADVICE}` : ''
    return { layer, problem: `no output.pth in ${printable(folder, 300)} (${describeContent(entries)})${advice}` }
  }
  for (const name of others)
    ignored.add(join(folder, name), `a further output of the layer; ${first} is compared`, dirname(folder))
  return { layer, file: join(folder, first) }
}
