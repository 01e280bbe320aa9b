import type { Dtype } from '../../tensor/dtype.js'

/** NumPy's names of the dtypes. It knows no bfloat16: its bits are stored as uint16. */
const DESCR: Readonly<Record<Dtype, string>> = {
  float64: '<f8',
  float32: '<f4',
  float16: '<f2',
  bfloat16: '<u2',
  int64: '<i8',
  int32: '<i4',
  int16: '<i2',
  int8: '|i1',
  uint8: '|u1',
  bool: '|b1',
}

/**
 * The header of a `.npy` file that holds one row of `width` elements, to be followed by them, little-endian.
 * Format: NumPy Enhancement Proposal 1 (numpy.lib.format), version 1.0: the header ends at a multiple of 64 bytes.
 */
export function npyHeader(dtype: Dtype, width: number): Uint8Array {
  const text = `{'descr': '${DESCR[dtype]}', 'fortran_order': False, 'shape': (${width},), }`
  const padded = `${text.padEnd(Math.ceil((10 + text.length + 1) / 64) * 64 - 11)}\n`
  const header = new Uint8Array(10 + padded.length)
  header.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, padded.length & 0xff, padded.length >> 8])
  header.set(new TextEncoder().encode(padded), 10)
  return header
}
