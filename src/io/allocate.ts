import { GoldenLogitsError, printable } from '../errors.js'

/**
 * A buffer of that many bytes. Limits that a caller raised may ask for more than there is: that is an answer of ours, not
 * a RangeError of the engine. `what` it is for may hold any text.
 * @throws GoldenLogitsError `limit-exceeded`
 */
export function allocate(
  bytes: number,
  what: string,
  where: { file: string; offset?: number },
): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(bytes)
  } catch (cause) {
    const message = `${printable(what, 120)}: ${bytes} bytes are more than fit into memory; lower the budgets, or read a part`
    throw new GoldenLogitsError('limit-exceeded', message, { file: where.file, cause })
  }
}
