import { type Choices, chance, EDGES, pick } from './choices.js'

/** Changes bytes one to four times: flips, splices, cuts, inserts, duplicates, or replaces numbers at `fields`. */
export function mutate(bytes: Uint8Array, choices: Choices, fields: readonly number[], other: Uint8Array): Uint8Array {
  let changed: Uint8Array = new Uint8Array(bytes)
  for (let left = 1 + choices.int(4); left > 0; left--) changed = mutateOnce(changed, choices, fields, other)
  return changed
}

function mutateOnce(bytes: Uint8Array, choices: Choices, fields: readonly number[], other: Uint8Array): Uint8Array {
  const { length } = bytes
  if (length === 0) return Uint8Array.of(choices.int(256))
  const at = choices.int(length)
  const some = 1 + choices.int(pick(choices, [4, 16, 64, 1024]))
  switch (choices.int(10)) {
    case 0:
    case 1:
      bytes[at]! ^= 1 << choices.int(8)
      return bytes
    case 2:
      bytes[at] = pick(choices, [0, 0xff, 0x7f, 0x80, 10, choices.int(256)])
      return bytes
    case 3:
    case 4:
      return withNumber(bytes, fields.length > 0 && !chance(choices, 20) ? pick(choices, fields) : at, choices)
    case 5:
      return bytes.subarray(0, at)
    case 6: // Remove a piece.
      return joined(bytes.subarray(0, at), bytes.subarray(Math.min(length, at + some)))
    case 7: // Duplicate a piece.
      return joined(bytes.subarray(0, Math.min(length, at + some)), bytes.subarray(at))
    case 8: {
      const noise = Uint8Array.from({ length: Math.min(some, 64) }, () => choices.int(256))
      return joined(bytes.subarray(0, at), noise, bytes.subarray(at))
    }
    default: {
      // Overwrite with or insert a piece of another file.
      const from = choices.int(other.length)
      const piece = other.subarray(from, from + some)
      const rest = chance(choices, 50) ? bytes.subarray(at) : bytes.subarray(Math.min(length, at + piece.length))
      return joined(bytes.subarray(0, at), piece, rest)
    }
  }
}

/** Replaces a number of 1 to 8 bytes by an edge value, or adds or subtracts one. */
function withNumber(bytes: Uint8Array, at: number, choices: Choices): Uint8Array {
  const width = pick(choices, [4, 2, 1, 8])
  if (at + width > bytes.length) return bytes
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  let value = 0n
  for (let i = width - 1; i >= 0; i--) value = (value << 8n) | BigInt(view.getUint8(at + i))
  value = chance(choices, 30) ? value + (chance(choices, 50) ? 1n : -1n) : pick(choices, EDGES)
  for (let i = 0; i < width; i++) view.setUint8(at + i, Number((value >> BigInt(8 * i)) & 0xffn))
  return bytes
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
