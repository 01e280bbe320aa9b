import { GoldenLogitsError } from '../errors.js'
import type { ByteSource } from '../io/byte-source.js'
import { holds } from '../io/runs.js'

export type Format = 'torch-zip' | 'torch-legacy' | 'atb-bin'

/** Formats that are recognised to be refused by name, by their first bytes. */
const OTHERS: readonly (readonly [name: string, matches: RegExp])[] = [
  ['a NumPy array (.npy)', /^\x93NUMPY/],
  ['a GGUF model', /^GGUF/],
  ['a safetensors file', /^[\s\S]{5}\0\0\0\{/],
  ['an HDF5 file', /^\x89HDF\r\n/],
  ['compressed by gzip', /^\x1f\x8b/],
  ['compressed by zstd', /^\x28\xb5\x2f\xfd/],
  ['an empty zip archive', /^PK\x05\x06/],
  ['a Git LFS pointer: run git lfs pull', /^version https:\/\/git-lfs/],
]

/** Bytes that every format but one is known by. */
const HEAD = 128

/** Where a tar archive names itself, with 'ustar'. */
const TAR = 257
const USTAR = Buffer.from('ustar')

/** Whether a tar archive names itself, which no other format may at that place. */
export function isTar(source: ByteSource): boolean {
  return source.size >= TAR + USTAR.length && holds(source, TAR, USTAR)
}

/**
 * The format of a file, by its first bytes alone: no reader is tried in vain, and no file is two things at once.
 * @throws GoldenLogitsError `unsupported-format`
 */
export function detectFormat(source: ByteSource): Format {
  const bytes = Buffer.alloc(Math.min(HEAD, source.size))
  source.read(0, bytes)
  const head = bytes.toString('latin1')
  if (head.startsWith('PK\x03\x04')) return 'torch-zip'
  const other = isTar(source)
    ? 'a tar archive (torch.save before 0.1.10)'
    : OTHERS.find(([, form]) => form.test(head))?.[0]
  if (!other && head.startsWith('\x80')) return 'torch-legacy'
  if (!other && /^[\x21-\x3c\x3e-\x7e]{1,64}=/.test(head)) return 'atb-bin'
  const found = source.size === 0 ? 'is empty' : `is ${other ?? 'of an unknown format'}`
  const message = `${found}, expected a file of torch.save (.pth) or an ATB dump (.bin)`
  throw new GoldenLogitsError('unsupported-format', message, { file: source.file })
}
