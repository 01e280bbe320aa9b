import { invalidArgument, printable } from '../errors.js'
import { nodePath, nodeUrl } from './platform.js'

/** A `file:` URL, such as `new URL('dumps', import.meta.url)`. Structural, because jsdom has another class `URL`. */
export interface FileUrl {
  readonly href: string
  readonly protocol: string
}

/** A path as callers may write it. */
export type FilePath = string | FileUrl

export function isUrl(value: unknown): value is FileUrl {
  const url = value as Partial<FileUrl> | null | undefined
  return typeof url === 'object' && url !== null && typeof url.href === 'string' && typeof url.protocol === 'string'
}

/**
 * The path that a `file:` URL names; any other value as it is.
 * @throws GoldenLogitsError `invalid-argument` for a URL that names no file, and for the text of a URL
 */
export function pathOf<T>(value: T): Exclude<T, FileUrl> | string {
  if (typeof value === 'string' && /^file:\/\//i.test(value)) {
    throw invalidArgument(`${quote(value)} is the text of a URL, expected a path or a URL object: new URL(…)`)
  }
  if (!isUrl(value)) return value as Exclude<T, FileUrl>
  try {
    return nodeUrl().fileURLToPath(value.href)
  } catch {
    throw invalidArgument(`the URL ${quote(value.href)} names no file of this machine, expected a URL with file:///`)
  }
}

/** For an error about a relative path: where the path was looked for, and from where. Nothing for an absolute path. */
export function startedFrom(path: string): string {
  const { isAbsolute, resolve } = nodePath()
  if (isAbsolute(path)) return ''
  return `; looked for ${printable(resolve(path), 300)}, relative to the working directory ${printable(process.cwd(), 300)}`
}

function quote(text: string): string {
  return `'${printable(text, 200)}'`
}
