import { GoldenLogitsError } from '../errors.js'
import type { ByteSource } from './byte-source.js'

/** What every reader of an archive says of a broken one. */
export function badArchive(source: ByteSource, message: string, offset?: number): GoldenLogitsError {
  const advice = 'expected a file of torch.save; copy or dump it anew'
  return new GoldenLogitsError('bad-archive', `broken zip archive: ${message}; ${advice}`, {
    file: source.file,
    ...(offset !== undefined && { offset }),
  })
}
