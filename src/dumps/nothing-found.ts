import { basename, resolve } from 'node:path'
import { GoldenLogitsError, printable } from '../errors.js'
import { kindOf, listNames } from '../io/folder.js'
import { firstItems, type List } from '../lib/lazy-list.js'
import { locate } from './locate.js'
import type { IgnoredPath } from './types.js'

const EXPECTED =
  'expected msit_dump_*/torch_tensors/{device}_{PID}/{TID}/{layer}/output.pth or msit_dump_*/tensors/{device}_{PID}/{TID}/{id}_{op}/after/outtensor0.bin, or any folder on the way'

/** The refusal of a path that holds no dump: what lies there instead, and where one is nearby. */
export function nothingFound(path: string, paths: readonly string[], ignored: List<IgnoredPath>): GoldenLogitsError {
  const some = firstItems(ignored, 3).map(({ path, reason }) => `${printable(basename(path), 60)}: ${reason}`)
  const more = ignored.length > 3 ? ` and ${ignored.length - 3} more` : ''
  const found = ignored.length === 0 ? 'it is empty' : `found ${some.join(', ')}${more}`
  const dumps = paths.flatMap((p) => dumpsBelow(p)).slice(0, 3)
  const names = dumps.map((name) => printable(name, 80)).join(' and in ')
  const hint = dumps.length > 0 ? `; there is a dump in ${names}: name that one` : ''
  return new GoldenLogitsError('nothing-to-compare', `no dump here (${found})${hint}; ${EXPECTED}`, { file: path })
}

/** Folders one level below that do hold a dump. */
function dumpsBelow(path: string): string[] {
  if (kindOf(path) !== 'folder') return []
  const folders: string[] = []
  for (const { name, kind } of listNames(path)) if (kind === 'folder' && folders.length < 50) folders.push(name)
  return folders.filter((name) => holdsDump(resolve(path, name)))
}

function holdsDump(path: string): boolean {
  try {
    const { devices, flatFiles } = locate([path])
    return devices.length > 0 || flatFiles.length > 0
  } catch (error) {
    // A hint must not fail where it looks.
    if (error instanceof GoldenLogitsError) return false
    throw error
  }
}
