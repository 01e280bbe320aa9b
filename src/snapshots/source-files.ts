import { isAbsolute, relative, sep } from 'node:path'
import type { Budgets } from '../io/budgets.js'
import { openFile } from '../io/file-source.js'
import { crypto } from '../lib/optional-packages.js'
import type { SourceFile } from './types.js'

const PIECE = 1 << 20

/** What a step's logits were read from: each file by its name, size and SHA-256, read piece by piece. */
export function sourcesOf(step: number, files: readonly string[], budgets: Partial<Budgets>): SourceFile[] {
  return files.map((path) => {
    const file = openFile(path, budgets)
    try {
      const hash = crypto().createHash('sha256')
      const buffer = new Uint8Array(Math.min(PIECE, file.size))
      for (let at = 0; at < file.size; at += buffer.length) {
        const piece = buffer.subarray(0, Math.min(buffer.length, file.size - at))
        file.read(at, piece)
        hash.update(piece)
      }
      return { step, path: nameOf(path), size: file.size, digest: hash.digest('hex').slice(0, 32) }
    } finally {
      file.close()
    }
  })
}

const KEPT = 6

/** From the working directory on where it lies below; else its last folders, as those before are of one machine only. */
function nameOf(path: string): string {
  const fromHere = relative(process.cwd(), path)
  const isBelow = !fromHere.startsWith('..') && !isAbsolute(fromHere)
  const parts = (isBelow ? fromHere : path).split(sep)
  return isBelow || parts.length <= KEPT ? parts.join('/') : `…/${parts.slice(-KEPT).join('/')}`
}
