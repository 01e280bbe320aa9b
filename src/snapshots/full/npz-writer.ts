import { writeSync } from 'node:fs'
import type { Zip } from 'fflate'
import { fflate } from '../../lib/optional-packages.js'
import type { Dtype } from '../../tensor/dtype.js'
import { npyHeader } from './npy.js'

/** The name of a step's row in the archive, which `numpy.load` shows without its ending. */
export function memberName(step: number): string {
  return `token_${step}.npy`
}

/**
 * Writes rows to an open file as a NumPy archive, one after the other, each compressed (deflate) and forgotten.
 * Python reads it without this package:
 *
 *     row = numpy.load('golden.npz')['token_3']
 *     row = torch.from_numpy(row).view(torch.bfloat16)        # where the golden says bfloat16: NumPy has no such dtype
 *
 * The same rows give the same bytes: nothing in it tells the time.
 */
export class NpzWriter {
  private readonly zip: Zip
  private failure: unknown
  /** Bytes written so far. */
  size = 0

  constructor(descriptor: number) {
    const { Zip } = fflate()
    this.zip = new Zip((error, chunk) => {
      if (error) this.failure ??= error
      else for (let at = 0; at < chunk.length; ) at += writeSync(descriptor, chunk, at)
      this.size += chunk?.length ?? 0
    })
  }

  /** @param bytes the row's elements, little-endian */
  add(step: number, dtype: Dtype, width: number, bytes: Uint8Array): void {
    const { ZipDeflate } = fflate()
    const member = new ZipDeflate(memberName(step), { level: 6 })
    // The first time that a zip file can tell, in every time zone.
    member.mtime = new Date(1980, 0, 1)
    this.zip.add(member)
    member.push(npyHeader(dtype, width))
    member.push(bytes, true)
    this.throwFailure()
  }

  finish(): void {
    this.zip.end()
    this.throwFailure()
  }

  private throwFailure(): void {
    if (this.failure) throw this.failure
  }
}
