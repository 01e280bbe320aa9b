import { extname } from 'node:path'
import { TENSOR_EXTENSIONS } from '../../../formats/index.js'
import type { FolderEntry } from '../../../io/folder.js'

/** The name of a file in a flat folder: which run it belongs to, and which step of it the file is. */
interface FlatName {
  /** The name up to the step, without the separator in front of it. */
  readonly run: string
  readonly step: number
  /** Whether the file is a separate run: its number counts prompts, not steps. */
  readonly isRun: boolean
}

/** Endings of files that may be steps. A `.bin` of ATB is one by its folders alone. */
const ENDINGS = TENSOR_EXTENSIONS.filter((ending) => ending !== '.bin')

/** A word in front of a number that counts prompts, not steps. */
const CASE =
  /(?:^|[_.-])(?:sample|prompt|case|chunk|request|req|example|seq|sequence|question|doc|document|item)s?[_.-]?0*$/i

/** In the torch layout, these numbers are indices in what a module returned. */
const OTHER = /^(?:input|output)(?:_\d+)*$/

/** `logits_{task}_{case}_{step}.pth`, `step_0.pt`, `logits-007.npy`, `3.safetensors`; also `prompt_4.npy`, a separate run. */
export function parseFlat(name: string): FlatName | undefined {
  if (isHidden(name)) return undefined
  const ending = extname(name)
  if (!ENDINGS.includes(ending.toLowerCase())) return undefined
  const stem = name.slice(0, -ending.length)
  const match = /^(.*?)(?<!\d)(\d{1,15})$/.exec(stem)
  if (!match || OTHER.test(stem)) return undefined
  const [, before, digits] = match as unknown as [string, string, string]
  if (isCaseName(stem)) return { run: stem, step: 0, isRun: true }
  return { run: before.replace(/[_.-]$/, ''), step: Number(digits), isRun: false }
}

/** Whether the number at the end of a name counts prompts or samples, not steps: `sample_00003`. */
export function isCaseName(name: string): boolean {
  return /\d$/.test(name) && CASE.test(name.replace(/\d+$/, ''))
}

/** Whether this is a file by the name of `logits`, in any format. */
export function isLogitsFile(name: string): boolean {
  const ending = extname(name)
  return ENDINGS.includes(ending.toLowerCase()) && /^logits$/i.test(name.slice(0, -ending.length))
}

/** The names of the files in a folder that may hold a tensor. */
export function tensorFilesIn(entries: readonly FolderEntry[]): string[] {
  return entries.filter(({ name, kind }) => kind === 'file' && isTensorFile(name)).map(({ name }) => name)
}

/** Whether a file may hold a tensor, by its name. */
export function isTensorFile(name: string): boolean {
  return !isHidden(name) && ENDINGS.includes(extname(name).toLowerCase())
}

/** macOS puts `._logits_0.npy` beside a file on a disk of another system: attributes of the file, not its content. */
function isHidden(name: string): boolean {
  return name.startsWith('.')
}
