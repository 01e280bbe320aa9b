import { bytesOf, dict, int, list, long, OP, type Part, pickle, tensor, text, u64 } from './pickle.js'
import { FOUR } from './zip.js'

export interface LegacyParts {
  magic?: Part
  protocol?: Part
  system?: Part
  object?: Part
  keys?: Part
  /** The bytes after the pickles: for each storage its number of elements as int64, and the elements. */
  storages?: Part
}

/** A file of torch.save before 1.6 with 4 float32, with some parts replaced. */
export function legacy(parts: LegacyParts = {}): Uint8Array {
  const all = {
    magic: long(0x1950a86a20f9469cfc6cn, 10),
    protocol: int(1001),
    system: dict(text('protocol_version'), int(1001), text('little_endian'), OP.NEWTRUE),
    object: tensor(),
    keys: list(text('0')),
    storages: bytesOf(u64(4), FOUR),
    ...parts,
  }
  const pickles = [all.magic, all.protocol, all.system, all.object, all.keys].map((part) => pickle(part))
  return bytesOf(...pickles, all.storages)
}
