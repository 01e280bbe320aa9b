import { basename, join } from 'node:path'
import { listNames } from '../io/folder.js'
import type { FolderNames } from '../io/folder-names.js'
import { firstOf } from '../lib/lazy-list.js'
import { type IgnoredPaths, ignoredAs } from './ignored-paths.js'
import { parseOutput, parseTid } from './names.js'
import { joinRanks, type LayoutScan } from './rank-steps.js'
import type { DeviceSelection } from './selection.js'
import { StepParts } from './step-parts.js'
import { scanStep } from './torch-step.js'
import type { LoadDumpOptions } from './types.js'

/** Torch layout: `{TID}/{LayerName}/output.pth`, where the folder `{TID}` is the step. */
export function scanTorch(
  ranks: readonly DeviceSelection[],
  options: LoadDumpOptions,
  ignored: IgnoredPaths,
): LayoutScan {
  const notes: string[] = []
  const listed = ranks.map((selection) => ({ selection, names: selection.names ?? listNames(selection.folder) }))
  const first = Math.min(...listed.map(firstTid))
  const shift = options.firstStep === undefined ? 0 : options.firstStep - first
  if (shift !== 0) notes.push(`firstStep ${options.firstStep}: folder ${first} is step ${options.firstStep}`)
  const guesses = new LaterOutputs()
  const parts = listed.map((rank) => scanRank(rank, shift, { options, ignored, guesses }))
  return { steps: joinRanks(parts, ignored), notes: [...notes, ...guesses.notes()], stepsAssumed: false }
}

interface ListedRank {
  selection: DeviceSelection
  names: FolderNames
}

/** What all ranks are scanned with. */
interface RankScan {
  options: LoadDumpOptions
  ignored: IgnoredPaths
  guesses: LaterOutputs
}

/** Infinity where there is none. */
function firstTid({ selection: { tids }, names }: ListedRank): number {
  return firstOf(names.numbersOf('folder'), (tid) => !tids || tids.has(tid)) ?? Number.POSITIVE_INFINITY
}

/** Modules whose first output is not there: the one that is taken for the logits is a guess, unless the path names it. */
class LaterOutputs {
  private first: { tid: number; file: string } | undefined
  private times = 0

  see(tid: number, file: string, named: readonly string[]): void {
    if (named.includes(file) || !parseOutput(basename(file))!.some((place) => place > 0)) return
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

function scanRank({ selection, names }: ListedRank, shift: number, { options, ignored, guesses }: RankScan): StepParts {
  const parts = new StepParts(selection.folder)
  for (const { name, kind } of names) {
    const tid = kind === 'folder' ? parseTid(name) : undefined
    const path = join(selection.folder, name)
    if (tid === undefined) {
      if (name !== 'model_tree.json') ignored.add(path, ignoredAs(kind, 'not a step folder'))
    } else if (!selection.tids || selection.tids.has(tid)) {
      const named = selection.tids?.get(tid) ?? []
      const part = scanStep(path, named, options, ignored)
      if (part.file !== undefined) guesses.see(tid, part.file, named)
      parts.add(tid + shift, tid, part)
    }
  }
  return parts
}
