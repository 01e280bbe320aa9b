import { GoldenLogitsError } from '../errors.js'
import type { ByteSource } from '../io/byte-source.js'

export type Format = 'torch-zip' | 'torch-legacy' | 'atb-bin'

/** Formats that are recognised to be refused by name. */
const OTHERS: readonly (readonly [name: string, matches: (head: string) => boolean])[] = [
  ['a NumPy array (.npy)', (head) => head.startsWith('\x93NUMPY')],
  ['a GGUF model', (head) => head.startsWith('GGUF')],
  ['a safetensors file', (head) => /^[\s\S]{5}\0\0\0\{/.test(head)],
  ['an HDF5 file', (head) => head.startsWith('\x89HDF\r\n')],
  ['compressed by gzip', (head) => head.startsWith('\x1f\x8b')],
  ['compressed by zstd', (head) => head.startsWith('\x28\xb5\x2f\xfd')],
  ['a tar archive (torch.save before 0.1.10)', (head) => head.slice(257, 262) === 'ustar'],
  ['an empty zip archive', (head) => head.startsWith('PK\x05\x06')],
  ['a Git LFS pointer: run git lfs pull', (head) => head.startsWith('version https://git-lfs')],
]

/**
 * The format of a file, by its first bytes alone: no reader is tried in vain, and no file is two things at once.
 * @throws GoldenLogitsError `unsupported-format`
 */
export function detectFormat(source: ByteSource): Format {
  const bytes = new Uint8Array(Math.min(512, source.size))
  source.read(0, bytes)
  const head = Buffer.from(bytes).toString('latin1')
  if (head.startsWith('PK\x03\x04')) return 'torch-zip'
  const other = OTHERS.find(([, matches]) => matches(head))
  if (!other && head.startsWith('\x80')) return 'torch-legacy'
  if (!other && /^[\x21-\x3c\x3e-\x7e]{1,64}=/.test(head)) return 'atb-bin'
  const found = source.size === 0 ? 'is empty' : `is ${other?.[0] ?? 'of an unknown format'}`
  const message = `${found}, expected a file of torch.save (.pth) or an ATB dump (.bin)`
  throw new GoldenLogitsError('unsupported-format', message, { file: source.file })
}
