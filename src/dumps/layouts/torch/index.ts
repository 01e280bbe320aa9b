import { basename, dirname, join } from 'node:path'
import { listNames, tryListFolder } from '../../../io/folder.js'
import type { FolderNames } from '../../../io/folder-names.js'
import { digitsOf } from '../../../io/numbered-text.js'
import { firstOf } from '../../../lib/lazy-list.js'
import { ignoredAs } from '../../ignored-paths.js'
import { joinRanks, RankSteps } from '../../ranks.js'
import type { FolderLayout, LayoutScan, ScanContext } from '../layout.js'
import { isHeadName, parseTid } from '../names.js'
import type { DeviceSelection } from '../selection.js'
import { outputsOf, parseOutput } from './names.js'
import { scanStep } from './step.js'

/** Torch layout: `{TID}/{LayerName}/output.pth`, where the folder `{TID}` is the step. */
export const torch: FolderLayout = {
  kind: 'folders',
  name: 'torch',
  example: 'msit_dump_*/torch_tensors/{device}_{PID}/{TID}/{layer}/output.pth',
  detect: ({ name, kind }) => kind === 'file' && (parseOutput(name) !== undefined || name === 'statistics.csv'),
  layerOf: (file) => (parseOutput(basename(file)) ? dirname(file) : undefined),
  logitsOf(layer, names) {
    const first = outputsOf([...names])[0]
    return first === undefined ? undefined : join(layer, first)
  },
  scan: scanTorch,
}

function scanTorch(ranks: readonly DeviceSelection[], context: ScanContext): LayoutScan {
  const { options, ignored } = context
  const notes: string[] = []
  const all = ranks.map((selection) => ({ selection, names: selection.names ?? listNames(selection.folder) }))
  const listed = withHead(all, context)
  const first = Math.min(...listed.map(firstTid))
  const shift = options.firstStep === undefined ? 0 : options.firstStep - first
  if (shift !== 0) notes.push(`firstStep ${options.firstStep}: folder ${first} is step ${options.firstStep}`)
  const guesses = new LaterOutputs()
  const steps = listed.map((rank) => scanRank(rank, shift, guesses, context))
  return { steps: joinRanks(steps, ignored), notes: [...notes, ...guesses.notes()], stepsAssumed: false }
}

/**
 * The ranks that hold the LM head. In a pipeline the others hold other layers only. A rank without any layer
 * stays: its logits are missing.
 */
function withHead(ranks: readonly ListedRank[], { options, ignored }: ScanContext): readonly ListedRank[] {
  // Layers that the path names are read under any name.
  const areNamed = ranks.some(({ selection: { tids } }) => tids && [...tids.values()].some((paths) => paths.length > 0))
  if (ranks.length === 1 || areNamed) return ranks
  const isHead = (name: string) => (options.layer === undefined ? isHeadName(name) : name === options.layer)
  const roles = ranks.map((rank) => roleOf(rank, isHead))
  if (!roles.includes('head')) return ranks
  ranks.forEach(({ selection }, i) => {
    if (roles[i] === 'no head') ignored.add(selection.folder, 'a rank without logits')
  })
  return ranks.filter((_, i) => roles[i] !== 'no head')
}

/** Looks into the steps of a rank, up to the first one with a head. */
function roleOf({ selection, names }: ListedRank, isHead: (layer: string) => boolean): 'head' | 'no head' | 'empty' {
  let role: 'no head' | 'empty' = 'empty'
  for (const tid of names.numbersOf('folder')) {
    if (selection.tids && !selection.tids.has(tid)) continue
    for (const { name, kind } of tryListFolder(join(selection.folder, digitsOf(tid))).entries) {
      if (kind !== 'folder') continue
      if (isHead(name)) return 'head'
      role = 'no head'
    }
  }
  return role
}

interface ListedRank {
  selection: DeviceSelection
  names: FolderNames
}

/** Infinity if there is none. */
function firstTid({ selection: { tids }, names }: ListedRank): number {
  return firstOf(names.numbersOf('folder'), (tid) => !tids || tids.has(tid)) ?? Number.POSITIVE_INFINITY
}

/** Counts the layers whose first output is missing: the output compared instead is a guess, unless the path names it. */
class LaterOutputs {
  private first: { tid: number; file: string } | undefined
  private times = 0

  see(tid: number, file: string, named: readonly string[]): void {
    if (named.includes(file) || !parseOutput(basename(file))!.some((index) => index > 0)) return
    this.first ??= { tid, file }
    this.times++
  }

  notes(): string[] {
    if (!this.first) return []
    const { tid, file } = this.first
    const more = this.times > 1 ? `, and in ${this.times - 1} more` : ''
    return [`no first output in folder ${tid}${more}: ${basename(file)} compared, the first that is there`]
  }
}

function scanRank(
  { selection, names }: ListedRank,
  shift: number,
  guesses: LaterOutputs,
  { options, ignored }: ScanContext,
): RankSteps {
  const steps = new RankSteps(selection.folder)
  for (const { name, kind } of names) {
    const tid = kind === 'folder' ? parseTid(name) : undefined
    const path = join(selection.folder, name)
    if (tid === undefined) {
      if (name !== 'model_tree.json') ignored.add(path, ignoredAs(kind, 'not a step folder'))
    } else if (!selection.tids || selection.tids.has(tid)) {
      const named = selection.tids?.get(tid) ?? []
      const step = scanStep(path, named, options, ignored)
      if (step.file !== undefined) guesses.see(tid, step.file, named)
      steps.add(tid + shift, tid, step)
    }
  }
  return steps
}
