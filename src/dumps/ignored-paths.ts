import type { EntryKind } from '../io/folder.js'
import type { List } from '../lib/lazy-list.js'
import { Interned } from './interned.js'
import { NumberedPaths } from './numbered-paths.js'
import type { IgnoredPath } from './types.js'

/** What a dump passes by, in the order it was found. Each step may hold a file of it, so it is made when it is asked for. */
export class IgnoredPaths implements List<IgnoredPath> {
  private readonly paths = new NumberedPaths()
  private readonly reasons = new Interned<string>()

  get length(): number {
    return this.paths.length
  }

  /** @param step the folder of the step that the path lies in, if it is one of a step */
  add(path: string, reason: string, step?: string): void {
    this.paths.add(path, step)
    this.reasons.push(reason, () => reason)
  }

  at(index: number): IgnoredPath | undefined {
    const reason = this.reasons.at(index)
    return reason === undefined ? undefined : { path: this.paths.at(index), reason }
  }

  *[Symbol.iterator](): Generator<IgnoredPath> {
    for (let i = 0; i < this.length; i++) yield this.at(i)!
  }
}

/** The reason that is told of an entry that the walk passes by. */
export function ignoredAs(kind: EntryKind, reason: string): string {
  return kind === 'link' ? 'a link to a folder, or a broken one: links are not followed' : reason
}
