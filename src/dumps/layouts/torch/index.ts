import { basename, dirname, join } from 'node:path'
import { GoldenLogitsError, printable } from '../../../errors.js'
import { listNames, tryListFolder } from '../../../io/folder.js'
import type { FolderNames } from '../../../io/folder-names.js'
import { digitsOf } from '../../../io/numbered-text.js'
import { firstOf, type List } from '../../../lib/lazy-list.js'
import { info, type Note, warning } from '../../../lib/note.js'
import { listed } from '../../../lib/number-text.js'
import { ignoredAs, linkProblem } from '../../ignored-paths.js'
import { joinRanks, type RankStep, RankSteps } from '../../ranks.js'
import type { DumpStep } from '../../types.js'
import { type FolderLayout, type LayoutScan, onlyLayerNote, refuseStatistics, type ScanContext } from '../layout.js'
import { isHeadName, parseTid, STEP_KINDS } from '../names.js'
import { type DeviceSelection, namesLayers } from '../selection.js'
import { outputsOf, parseOutput, STATISTICS_FILE } from './names.js'
import { absentLayer, scanStep } from './step.js'

/** Torch layout: `{TID}/{LayerName}/output.pth`. The number of the folder `{TID}` is the step. */
export const torch: FolderLayout = {
  kind: 'folders',
  name: 'torch',
  examples: ['msit_dump_*/torch_tensors/{device}_{PID}/{TID}/{layer}/output.pth'],
  detect: ({ name, kind }) => kind === 'file' && (parseOutput(name) !== undefined || name === STATISTICS_FILE),
  layerOf: (file) => (parseOutput(basename(file)) ? dirname(file) : undefined),
  logitsOf(layer, names) {
    const first = outputsOf([...names])[0]
    return first === undefined ? undefined : join(layer, first)
  },
  scan: scanTorch,
}

function scanTorch(ranks: readonly DeviceSelection[], context: ScanContext): LayoutScan {
  const { options, ignored } = context
  const notes: Note[] = []
  const all = ranks.map((selection) => ({ selection, names: selection.names ?? listNames(selection.folder) }))
  const listed = withHead(all, context)
  const first = Math.min(...listed.map(firstTid))
  const shift = options.firstStep === undefined ? 0 : options.firstStep - first
  if (shift !== 0) notes.push(info(`firstStep ${options.firstStep}: folder ${first} is step ${options.firstStep}`))
  const guesses = new Guesses(options.layer)
  const steps = joinRanks(
    listed.map((rank) => scanRank(rank, shift, guesses, context)),
    ignored,
  )
  refuseStatistics(steps, 'output.pth', context.path)
  guesses.refuseMixed(context.path)
  refuseAbsentLayer(steps, listed[0]!, context)
  return { steps, notes: [...notes, ...guesses.notes()], stepsAssumed: false }
}

/** Refuses an option `layer` that names a layer of no step. If only some steps lack it, those are unreadable. */
function refuseAbsentLayer(steps: List<DumpStep>, first: ListedRank, { path, options }: ScanContext): void {
  const { layer } = options
  if (layer === undefined || steps.length === 0) return
  if (firstOf(steps, ({ problem }) => !problem?.startsWith(absentLayer(layer))) !== undefined) return
  const step = join(first.selection.folder, digitsOf(firstTid(first)))
  const names = tryListFolder(step).entries.flatMap(({ name, kind }) =>
    kind === 'folder' ? [printable(name, 40)] : [],
  )
  const message = `no step has the layer of the option layer: '${printable(layer)}'; the layers of its first step are ${listed(names, 8)}`
  throw new GoldenLogitsError('ambiguous-layer', message, { file: path })
}

/** Leaves out ranks of a pipeline without the LM head. A rank without any layer stays: its logits are missing. */
function withHead(ranks: readonly ListedRank[], { options, ignored }: ScanContext): readonly ListedRank[] {
  // Layers that the path names are read under any name.
  if (ranks.length === 1 || ranks.some(({ selection }) => namesLayers(selection))) return ranks
  const isHead = (name: string) => (options.layer === undefined ? isHeadName(name) : name === options.layer)
  const roles = ranks.map((rank) => roleOf(rank, isHead))
  if (!roles.includes('head')) return ranks
  ranks.forEach(({ selection }, i) => {
    if (roles[i] === 'other layers') ignored.add(selection.folder, 'a rank without logits')
  })
  return ranks.filter((_, i) => roles[i] !== 'other layers')
}

/** Looks into the steps of a rank, up to the first one with a head. A step that is a link is not looked into. */
function roleOf(
  { selection, names }: ListedRank,
  isHead: (layer: string) => boolean,
): 'head' | 'other layers' | 'unknown' {
  let role: 'other layers' | 'unknown' = 'unknown'
  for (const tid of names.numbersOf('folder')) {
    if (selection.tids && !selection.tids.has(tid)) continue
    for (const { name, kind } of tryListFolder(join(selection.folder, digitsOf(tid))).entries) {
      if (!STEP_KINDS.includes(kind)) continue
      if (isHead(name)) return 'head'
      role = 'other layers'
    }
  }
  return names.numbersOf('link').length > 0 ? 'unknown' : role
}

interface ListedRank {
  selection: DeviceSelection
  names: FolderNames
}

/** Infinity if the rank has no step. */
function firstTid({ selection: { tids }, names }: ListedRank): number {
  const firsts = STEP_KINDS.map((kind) => firstOf(names.numbersOf(kind), (tid) => !tids || tids.has(tid)))
  return Math.min(...firsts.map((tid) => tid ?? Number.POSITIVE_INFINITY))
}

/** What was guessed of the steps. Nothing is a guess that the path or an option names. */
class Guesses {
  private readonly option: string | undefined
  /** The layers that were read because a step has no other, by name. */
  private readonly layers = new Set<string>()
  private latest = ''
  private firstLater: { tid: number; file: string } | undefined
  private times = 0

  /** @param option the option `layer` */
  constructor(option: string | undefined) {
    this.option = option
  }

  see(tid: number, { layer, file }: RankStep, named: readonly string[]): void {
    if (layer !== this.latest && layer !== '' && this.option === undefined && named.length === 0) {
      this.latest = layer
      this.layers.add(layer)
    }
    // The output compared in place of a missing first one.
    if (file === undefined || named.includes(file) || !parseOutput(basename(file))!.some((index) => index > 0)) return
    this.firstLater ??= { tid, file }
    this.times++
  }

  /**
   * Refuses different layers in the ranks or steps of one run, unless all are named like an LM head.
   * @throws GoldenLogitsError `ambiguous-layer`
   */
  refuseMixed(path: string): void {
    if (this.layers.size < 2 || this.unnamed() === undefined) return
    const some = [...this.layers].slice(0, 4).map((name) => printable(name, 40))
    const message = `its ranks and steps hold different layers (${some.join(', ')}${this.layers.size > 4 ? '…' : ''}), and not all are named like an LM head; name the one that emits the logits with the option layer, or the files in the path or pattern`
    throw new GoldenLogitsError('ambiguous-layer', message, { file: path })
  }

  /** A layer that was read though its name is not that of an LM head. */
  private unnamed(): string | undefined {
    return [...this.layers].find((name) => !isHeadName(name))
  }

  notes(): Note[] {
    const unnamed = this.unnamed()
    const layer = unnamed === undefined ? [] : [onlyLayerNote(unnamed)]
    if (!this.firstLater) return layer
    const { tid, file } = this.firstLater
    const more = this.times > 1 ? `, and in ${this.times - 1} more` : ''
    const text = `no first output in folder ${tid}${more}: ${basename(file)} compared, the first that is there`
    return [...layer, warning(text, 'name these files in the path or pattern')]
  }
}

function scanRank(
  { selection, names }: ListedRank,
  shift: number,
  guesses: Guesses,
  { options, ignored }: ScanContext,
): RankSteps {
  const steps = new RankSteps(selection.folder)
  for (const { name, kind } of names) {
    const tid = STEP_KINDS.includes(kind) ? parseTid(name) : undefined
    const path = join(selection.folder, name)
    if (tid === undefined) {
      if (name !== 'model_tree.json') ignored.add(path, ignoredAs(kind, 'not a step folder'))
    } else if (!selection.tids || selection.tids.has(tid)) {
      const named = selection.tids?.get(tid) ?? []
      // The path may name a step that is a link, or lead through it. A link that the walk meets is not followed.
      const followed = kind === 'folder' || selection.tids !== undefined
      const step = followed ? scanStep(path, named, options, ignored) : { layer: '', problem: linkProblem(path) }
      guesses.see(tid, step, named)
      steps.add(tid + shift, tid, step)
    }
  }
  return steps
}
