import { readdirSync, readFileSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { crcOf } from '../../src/formats/zip-record.js'
import { DEFAULT_BUDGETS } from '../../src/io/budgets.js'
import { memorySource } from '../../src/io/memory-source.js'
import { readZipDirectory, type ZipEntry } from '../../src/io/zip-directory.js'
import { openTensors } from '../formats/build/open.js'
import { type Reading, readingOf } from './examine.js'

/** A real file, and the offsets of the numbers in it that readers depend on. */
export interface RealFile {
  name: string
  kind: 'zip' | 'legacy' | 'bin' | 'npy' | 'npz' | 'safetensors' | 'pb' | 'kld'
  bytes: Uint8Array
  fields: number[]
  /** The entries of an archive. */
  entries: RealEntry[]
  reading: Reading
}

/** An entry of an archive with its CRC-32. */
export type RealEntry = ZipEntry & { crc: number }

export function entriesOf(bytes: Uint8Array): RealEntry[] {
  const source = memorySource(bytes, 'input')
  return readZipDirectory(source, DEFAULT_BUDGETS).map((entry) => ({ ...entry, crc: crcOf(source, entry.crcAt) }))
}

/** Every real file of the fixtures, by kind. */
export function loadCorpus(fixtures: string): Readonly<Record<RealFile['kind'], RealFile[]>> {
  const names = ['torch', 'legacy', 'pt', 'trees', 'npy', 'npz', 'safetensors', 'onnx', 'kld'].flatMap((folder) =>
    readdirSync(join(fixtures, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
      join(fixtures, folder, name),
    ),
  )
  const files = names
    .filter((name) => /\.(pth|pt|bin|npy|npz|safetensors|pb|kld)$/.test(name))
    .sort()
    .map(realFile)
  const of = (kind: RealFile['kind']) => files.filter((file) => file.kind === kind)
  return {
    zip: of('zip'),
    legacy: of('legacy'),
    bin: of('bin'),
    npy: of('npy'),
    npz: of('npz'),
    safetensors: of('safetensors'),
    pb: of('pb'),
    kld: of('kld'),
  }
}

function realFile(path: string): RealFile {
  const bytes = new Uint8Array(readFileSync(path))
  const ending = extname(path).slice(1)
  const kind =
    ending === 'pth' || ending === 'pt' ? (bytes[0] === 0x50 ? 'zip' : 'legacy') : (ending as RealFile['kind'])
  const source = memorySource(bytes, basename(path))
  const entries = kind === 'zip' || kind === 'npz' ? entriesOf(bytes) : []
  return {
    name: basename(path),
    kind,
    bytes,
    fields: fieldsOf(kind, bytes),
    entries,
    // A base file holds no tensors: its rows are checked in another way.
    reading: kind === 'kld' ? [] : readingOf(openTensors(source).tensors),
  }
}

function headerLength(kind: RealFile['kind'], bytes: Buffer): number {
  if (kind === 'bin') return bytes.indexOf('$End=1') + 7
  if (kind === 'npy') return 10 + bytes.readUInt16LE(8)
  if (kind === 'safetensors') return 8 + bytes.readUInt32LE(0)
  // The header, the tokens and the first row.
  if (kind === 'kld') return 20 + 4 * bytes.readInt32LE(8) * bytes.readInt32LE(16) + 64
  if (kind === 'pb') return Math.min(bytes.length, 64)
  return Math.min(bytes.length, 700)
}

/** Offsets of the numbers in zip headers, and of all bytes of a pickle or header. */
function fieldsOf(kind: RealFile['kind'], bytes: Uint8Array): number[] {
  const text = Buffer.from(bytes)
  if (kind !== 'zip' && kind !== 'npz') {
    const end = headerLength(kind, text)
    return Array.from({ length: end }, (_, i) => i)
  }
  const numbers: [signature: string, at: number[]][] = [
    ['PK\x03\x04', [0, 6, 8, 14, 18, 22, 26, 28]],
    ['PK\x01\x02', [0, 8, 10, 16, 20, 24, 28, 30, 32, 34, 42]],
    ['PK\x06\x06', [0, 4, 16, 20, 24, 32, 40, 48]],
    ['PK\x06\x07', [0, 4, 8, 16]],
    ['PK\x05\x06', [0, 4, 6, 8, 10, 12, 16, 20]],
  ]
  return numbers.flatMap(([signature, offsets]) => {
    const found: number[] = []
    for (let at = text.indexOf(signature); at >= 0; at = text.indexOf(signature, at + 1))
      found.push(...offsets.map((o) => at + o))
    return found
  })
}
