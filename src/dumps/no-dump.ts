import { basename, resolve } from 'node:path'
import { GoldenLogitsError, printable } from '../errors.js'
import { kindOf, listNames } from '../io/folder.js'
import { firstItems, type List } from '../lib/lazy-list.js'
import { LAYOUTS } from './layouts/index.js'
import { locate } from './locate.js'
import type { IgnoredPath } from './types.js'

/** The error for a path without a dump: what is there instead, and which subfolder contains a dump. */
export function noDumpError(path: string, paths: readonly string[], ignored: List<IgnoredPath>): GoldenLogitsError {
  const some = firstItems(ignored, 3).map(({ path, reason }) => `${printable(basename(path), 60)}: ${reason}`)
  const more = ignored.length > 3 ? ` and ${ignored.length - 3} more` : ''
  const content = ignored.length === 0 ? 'it is empty' : `found ${some.join(', ')}${more}`
  const dumps = paths.flatMap((p) => dumpsBelow(p)).slice(0, 3)
  const names = dumps.map((name) => printable(name, 80)).join(' and in ')
  const hint = dumps.length > 0 ? `; there is a dump in ${names}: name that one` : ''
  const examples = LAYOUTS.map(({ example }) => example).join(' or ')
  return new GoldenLogitsError(
    'nothing-to-compare',
    `no dump here (${content})${hint}; expected ${examples}, or any folder on the way`,
    { file: path },
  )
}

/** The folders one level below that contain a dump. */
function dumpsBelow(path: string): string[] {
  if (kindOf(path) !== 'folder') return []
  const folders: string[] = []
  for (const { name, kind } of listNames(path)) if (kind === 'folder' && folders.length < 50) folders.push(name)
  return folders.filter((name) => holdsDump(resolve(path, name)))
}

function holdsDump(path: string): boolean {
  try {
    const { devices, stepFiles } = locate([path])
    return devices.length > 0 || stepFiles.length > 0
  } catch (error) {
    // Looking for a hint must not replace the error.
    if (error instanceof GoldenLogitsError) return false
    throw error
  }
}
