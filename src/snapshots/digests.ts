import { isAbsolute, relative, sep } from 'node:path'
import type { Budgets } from '../io/budgets.js'
import { openFile } from '../io/file-source.js'
import { crypto, sha256 } from '../lib/optional-packages.js'
import type { ReusedBytes } from '../lib/reused-bytes.js'
import type { SourceFile } from './types.js'

/**
 * SHA-256 of a row's logits as little-endian float32, its first 32 hexadecimal digits. Rows of equal digest have equal
 * metrics, also if their dtypes differ.
 */
export function rowDigest(row: Float32Array): string {
  return sha256(new Uint8Array(row.buffer, row.byteOffset, row.byteLength)).toString('hex', 0, 16)
}

const PIECE = 1 << 20

/** The files that a step's logits were read from: name, size and SHA-256 of each. Reads them piece by piece. */
export function sourcesOf(
  step: number,
  files: readonly string[],
  budgets: Partial<Budgets>,
  memory: ReusedBytes,
): SourceFile[] {
  return files.map((path) => {
    const file = openFile(path, budgets)
    try {
      const hash = crypto().createHash('sha256')
      const buffer = memory.take(Math.min(PIECE, file.size))
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

const MAX_PARTS = 6

/** Relative to the working directory if it is below; else the last folders, because the others belong to one machine. */
function nameOf(path: string): string {
  const fromHere = relative(process.cwd(), path)
  const isBelow = !fromHere.startsWith('..') && !isAbsolute(fromHere)
  const parts = (isBelow ? fromHere : path).split(sep)
  return isBelow || parts.length <= MAX_PARTS ? parts.join('/') : `…/${parts.slice(-MAX_PARTS).join('/')}`
}
