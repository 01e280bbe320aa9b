/** An assembler of pickles: parts are bytes, or functions of this file that make them. */
export type Part = number | Uint8Array | readonly number[]

export function bytesOf(...parts: readonly Part[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts.map((part) => Uint8Array.from(typeof part === 'number' ? [part] : part))))
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

function scalar(length: number, write: (view: DataView) => void): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  write(new DataView(bytes.buffer))
  return bytes
}

export const u16 = (value: number) => scalar(2, (view) => view.setUint16(0, value, true))
export const u32 = (value: number) => scalar(4, (view) => view.setUint32(0, value, true))
export const u64 = (value: number | bigint) => scalar(8, (view) => view.setBigUint64(0, BigInt(value), true))

/** Opcodes by their names in Python's `pickletools`. */
export const OP = {
  MARK: 0x28,
  STOP: 0x2e,
  POP: 0x30,
  POP_MARK: 0x31,
  DUP: 0x32,
  NONE: 0x4e,
  BINPERSID: 0x51,
  REDUCE: 0x52,
  APPEND: 0x61,
  BUILD: 0x62,
  GLOBAL: 0x63,
  APPENDS: 0x65,
  EMPTY_LIST: 0x5d,
  EMPTY_TUPLE: 0x29,
  EMPTY_DICT: 0x7d,
  SETITEM: 0x73,
  SETITEMS: 0x75,
  TUPLE: 0x74,
  TUPLE1: 0x85,
  TUPLE2: 0x86,
  TUPLE3: 0x87,
  NEWTRUE: 0x88,
  NEWFALSE: 0x89,
  STACK_GLOBAL: 0x93,
  MEMOIZE: 0x94,
} as const

/** PROTO, the parts, STOP. */
export const pickle = (...parts: readonly Part[]): Uint8Array => bytesOf(0x80, 2, ...parts, OP.STOP)

export const int = (value: number): Uint8Array =>
  value >= 0 && value < 256 ? bytesOf(0x4b, value) : bytesOf(0x4a, u32(value >>> 0))

/** LONG1 with the least number of bytes. */
export function long(value: bigint, length = 8): Uint8Array {
  const bits = BigInt.asUintN(8 * length, value)
  return bytesOf(
    0x8a,
    length,
    Array.from({ length }, (_, i) => Number((bits >> BigInt(8 * i)) & 0xffn)),
  )
}

export const float = (value: number): Uint8Array =>
  bytesOf(
    0x47,
    scalar(8, (view) => view.setFloat64(0, value, false)),
  )

export const text = (value: string): Uint8Array => bytesOf(0x58, u32(utf8(value).length), utf8(value))
export const shortText = (value: string): Uint8Array => bytesOf(0x8c, utf8(value).length, utf8(value))
export const global = (module: string, name: string): Uint8Array => bytesOf(OP.GLOBAL, utf8(`${module}\n${name}\n`))
export const stackGlobal = (module: string, name: string): Uint8Array =>
  bytesOf(shortText(module), shortText(name), OP.STACK_GLOBAL)
export const tuple = (...items: readonly Part[]): Uint8Array => bytesOf(OP.MARK, ...items, OP.TUPLE)
export const list = (...items: readonly Part[]): Uint8Array => bytesOf(OP.EMPTY_LIST, OP.MARK, ...items, OP.APPENDS)
export const dict = (...items: readonly Part[]): Uint8Array => bytesOf(OP.EMPTY_DICT, OP.MARK, ...items, OP.SETITEMS)
export const put = (index: number): Uint8Array => (index < 256 ? bytesOf(0x71, index) : bytesOf(0x72, u32(index)))
export const get = (index: number): Uint8Array => (index < 256 ? bytesOf(0x68, index) : bytesOf(0x6a, u32(index)))
export const call = (callee: Part, args: Part): Uint8Array => bytesOf(callee, args, OP.REDUCE)

/** `collections.OrderedDict()`, the hooks of every tensor. */
export const orderedDict = (): Uint8Array => call(global('collections', 'OrderedDict'), OP.EMPTY_TUPLE)

export interface StorageParts {
  tag?: Part
  storageClass?: Part
  key?: Part
  location?: Part
  numel?: Part
  /** Additional items. */
  more?: readonly Part[]
}

/** The persistent id of a storage of 4 float32, with some items replaced. */
export function storage(parts: StorageParts = {}): Uint8Array {
  const { tag, storageClass, key, location, numel, more } = {
    tag: text('storage'),
    storageClass: global('torch', 'FloatStorage'),
    key: text('0'),
    location: text('cpu'),
    numel: int(4),
    more: [],
    ...parts,
  }
  return bytesOf(tuple(tag, storageClass, key, location, numel, ...more), OP.BINPERSID)
}

export interface TensorParts {
  rebuild?: Part
  storage?: Part
  offset?: Part
  size?: Part
  stride?: Part
  /** Arguments after the stride. */
  more?: readonly Part[]
}

/** `_rebuild_tensor_v2(storage, 0, (4,), (1,), False, OrderedDict())`, with some arguments replaced. */
export function tensor(parts: TensorParts = {}): Uint8Array {
  const args = {
    rebuild: global('torch._utils', '_rebuild_tensor_v2'),
    storage: storage(),
    offset: int(0),
    size: tuple(int(4)),
    stride: tuple(int(1)),
    more: [OP.NEWFALSE, orderedDict()],
    ...parts,
  }
  return call(args.rebuild, tuple(args.storage, args.offset, args.size, args.stride, ...args.more))
}
