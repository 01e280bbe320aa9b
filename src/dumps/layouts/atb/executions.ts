import { join, sep } from 'node:path'
import { GoldenLogitsError, printable } from '../../../errors.js'
import { type FolderEntry, listNames, tryListFolder } from '../../../io/folder.js'
import { NumberColumn } from '../../../io/number-column.js'
import { digitsOf } from '../../../io/numbered-text.js'
import { DictionaryColumn } from '../../columns.js'
import { type IgnoredPaths, ignoredAs, linkProblem } from '../../ignored-paths.js'
import { parseTid, STEP_KINDS } from '../names.js'
import type { DeviceSelection } from '../selection.js'
import { parseAtbLayer } from './names.js'

/** A layer folder, `{id}_{op}`. */
export interface Layer {
  readonly name: string
  readonly op: string
}

/** The layer folders of a `{TID}` folder, by layer id. */
export type Layers = ReadonlyMap<number, Layer>

/** The content of a `{TID}` folder. Many folders have the same, so it is kept once. */
interface ExecutionContent {
  readonly layers: Layers
  /** Why the folder was not listed. */
  readonly problem?: string
  readonly ignored: readonly { name: string; reason: string }[]
}

/** One `{TID}` folder. */
export interface Execution extends Omit<ExecutionContent, 'ignored'> {
  readonly tid: number
  readonly folder: string
}

/** The executions of one rank, in numeric order. An execution becomes an object only when it is read. */
export class Executions {
  readonly selection: DeviceSelection
  readonly tids = new NumberColumn()
  private readonly contents = new DictionaryColumn<ExecutionContent>()

  constructor(selection: DeviceSelection, ignored: IgnoredPaths) {
    this.selection = selection
    const { folder: device, names = listNames(device) } = selection
    for (const { name, kind } of names) {
      const tid = STEP_KINDS.includes(kind) ? parseTid(name) : undefined
      const folder = join(device, name)
      if (tid === undefined) ignored.add(folder, ignoredAs(kind, 'not an execution folder'))
      // The path may name a step that is a link, or lead through it. A link that the walk meets is not followed.
      else if (kind === 'folder' || selection.tids?.has(tid)) this.add(tid, folder, ignored)
      else this.addLink(tid, folder)
    }
  }

  get length(): number {
    return this.tids.length
  }

  at(index: number): Execution {
    const tid = this.tids.at(index)!
    const { layers, problem } = this.contents.at(index)!
    const folder = join(this.selection.folder, digitsOf(tid))
    return { tid, folder, layers, problem }
  }

  layersAt(index: number): Layers {
    return this.contents.at(index)!.layers
  }

  problemAt(index: number): string | undefined {
    return this.contents.at(index)!.problem
  }

  /** The distinct sets of layers, in the order of their last occurrence. */
  layerSets(): Layers[] {
    const sets = new Set<Layers>()
    for (let i = this.length - 1; i >= 0; i--) sets.add(this.layersAt(i))
    return [...sets].reverse()
  }

  /** True if no execution could be listed, so that nothing shows which heads this rank has. */
  get unreadable(): boolean {
    for (let i = 0; i < this.length; i++) if (this.contents.at(i)!.problem === undefined) return false
    return true
  }

  private addLink(tid: number, folder: string): void {
    const problem = linkProblem(folder)
    this.contents.push(problem, () => ({ layers: new Map(), ignored: [], problem }))
    this.tids.push(tid)
  }

  private add(tid: number, folder: string, ignored: IgnoredPaths): void {
    const { entries, problem } = tryListFolder(folder)
    const key = problem ?? entries.map(({ name, kind }) => `${kind}${sep}${name}`).join(sep)
    const content = this.contents.push(key, () => contentOf(folder, entries, problem))
    this.tids.push(tid)
    for (const { name, reason } of content.ignored) ignored.add(join(folder, name), reason, folder)
  }
}

function contentOf(execution: string, entries: readonly FolderEntry[], problem: string | undefined): ExecutionContent {
  const layers = new Map<number, Layer>()
  const ignored: { name: string; reason: string }[] = []
  for (const { name, kind } of entries) {
    const layer = kind === 'folder' ? parseAtbLayer(name) : undefined
    if (!layer) {
      ignored.push({ name, reason: ignoredAs(kind, 'not a layer folder') })
      continue
    }
    const twin = layers.get(layer.id)
    if (twin) {
      const message = `and ${printable(twin.name)} are both layer ${layer.id} of one execution; remove the one that is not of this run`
      throw new GoldenLogitsError('ambiguous-layer', message, { file: join(execution, name) })
    }
    layers.set(layer.id, { name, op: layer.op })
  }
  return { layers, ignored, problem }
}
