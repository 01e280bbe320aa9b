import { crypto } from '../lib/optional-packages.js'

/**
 * SHA-256 of a row's logits as little-endian float32, its first 32 hexadecimal digits. Rows of equal digest are equal in
 * every number that the metrics are evaluated on, whatever dtype they came in.
 */
export function rowDigest(row: Float32Array): string {
  return crypto()
    .createHash('sha256')
    .update(new Uint8Array(row.buffer, row.byteOffset, row.byteLength))
    .digest('hex')
    .slice(0, 32)
}
