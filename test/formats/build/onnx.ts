import { bytesOf } from './pickle.js'

/** A varint of protocol buffers. A negative number has its sign extended to 64 bits. */
export function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return Uint8Array.from([...bytes, Number(rest)])
}

/** A field that is a varint. */
export function numberField(field: number, value: number | bigint): Uint8Array {
  return bytesOf(varint(8 * field), varint(value))
}

/** A field of bytes: a text, a message, or numbers one after the other. */
export function bytesField(field: number, content: Uint8Array): Uint8Array {
  return bytesOf(varint(8 * field + 2), varint(content.length), content)
}

/** A field of 4 or 8 bytes. */
export function fixedField(field: number, content: Uint8Array): Uint8Array {
  return bytesOf(varint(8 * field + (content.length === 4 ? 5 : 1)), content)
}
