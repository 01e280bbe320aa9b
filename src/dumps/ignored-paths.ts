import { printable } from '../errors.js'
import type { EntryKind } from '../io/folder.js'
import type { List } from '../lib/lazy-list.js'
import { DictionaryColumn, PathColumn } from './columns.js'
import type { IgnoredPath } from './types.js'

/** The ignored paths of a dump, in the order of the walk. Every step may add one, so they are kept as columns. */
export class IgnoredPaths implements List<IgnoredPath> {
  private readonly paths = new PathColumn()
  private readonly reasons = new DictionaryColumn<string>()

  get length(): number {
    return this.paths.length
  }

  /** @param step the folder of the step that contains the path, if there is one */
  add(path: string, reason: string, step?: string): void {
    this.paths.push(path, step)
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

const LINK = 'a link to a folder, or a broken one: links are not followed'

/** The reason for ignoring an entry: that it is a link, or else `reason`. */
export function ignoredAs(kind: EntryKind, reason: string): string {
  return kind === 'link' ? LINK : reason
}

/** The problem of a step that is a link. The link could lead anywhere, so the step stays, but unreadable. */
export function linkProblem(path: string): string {
  return `${printable(path, 300)} is ${LINK}; put a copy of its target in its place (cp -rL)`
}
