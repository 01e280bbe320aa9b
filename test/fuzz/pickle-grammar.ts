import type { Dtype } from '../../src/tensor/dtype.js'
import {
  bytesOf,
  float,
  get,
  int,
  list,
  long,
  OP,
  type Part,
  put,
  shortText,
  text,
  u16,
  u32,
  u64,
  utf8,
} from '../formats/build/pickle.js'
import { type Choices, chance, EDGES, pick, times } from './choices.js'
import { type Elements, elementsOf, STORAGE_CLASSES } from './elements.js'

/** A tensor of a generated object, with the values that a reader must return. */
export interface ExpectedTensor {
  name: string
  dtype: Dtype
  shape: number[]
  values: number[]
}

export interface GeneratedObject {
  /** The opcodes of the object, without PROTO and STOP. */
  body: Uint8Array
  protocol: number
  storages: ReadonlyMap<string, Elements>
  /** Undefined if something is wrong on purpose, unless the only error is a view beyond its storage. */
  expected?: ExpectedTensor[] | 'a refusal'
}

/**
 * An object as torch pickles it: tensors over storages, in containers and next to other values, in every encoding that
 * a pickler may use.
 *
 * @param faults how many of 1,000 places are made wrong
 */
export function generateObject(choices: Choices, faults: number, legacy: boolean): GeneratedObject {
  const protocol = 2 + choices.int(4)
  const storages = new Map(
    times(1 + choices.int(3), (i) => [pick(choices, [`${i}`, `${i}`, `k${i}`]), elementsOf(choices)]),
  )
  const writer = new Writer(choices, faults, legacy, protocol, storages)
  const body = writer.value('', choices.int(4), true)
  // A storage that no tensor uses is not stored.
  const used = new Map([...storages].filter(([key]) => writer.used.has(key)))
  const expected = writer.wrong === 0 ? writer.found : writer.wrong === 1 && writer.beyond ? 'a refusal' : undefined
  return { body, protocol, storages: used, ...(expected && { expected }) }
}

/** Any opcodes in any order. */
export function opcodeSoup(choices: Choices): Uint8Array {
  const writer = new Writer(choices, 0, false, 2 + choices.int(4), new Map([['0', elementsOf(choices)]]))
  return bytesOf(
    ...times(choices.int(40), () =>
      chance(choices, 50) ? anyOpcode(choices) : writer.value('', choices.int(3), false),
    ),
  )
}

class Writer {
  readonly found: ExpectedTensor[] = []
  readonly used = new Set<string>()
  /** The number of places that were made wrong. */
  wrong = 0
  /** Whether a view reaches beyond its storage. */
  beyond = false
  private readonly memo = new Map<string, number>()
  private memoized = 0
  private readonly choices: Choices
  private readonly faults: number
  private readonly legacy: boolean
  private readonly protocol: number
  private readonly storages: ReadonlyMap<string, Elements>

  constructor(
    choices: Choices,
    faults: number,
    legacy: boolean,
    protocol: number,
    storages: ReadonlyMap<string, Elements>,
  ) {
    this.choices = choices
    this.faults = faults
    this.legacy = legacy
    this.protocol = protocol
    this.storages = storages
  }

  /** A tensor, a container down to `depth` levels, or (unless a tensor is wanted) something else. */
  value(name: string, depth: number, wanted: boolean): Uint8Array {
    if (depth > 0 && chance(this.choices, wanted ? 80 : 40)) return this.container(name, depth - 1, wanted)
    return wanted || chance(this.choices, 30) ? this.parameterOrTensor(name) : this.scalar()
  }

  private container(name: string, depth: number, wanted: boolean): Uint8Array {
    const count = this.choices.int(4) + (wanted ? 1 : 0)
    const at = wanted ? this.choices.int(count) : -1
    const inside = (key: string) => (name === '' ? key : `${name}.${key}`)
    const kind = this.choices.int(4)
    if (kind < 2) {
      const items = times(count, (i) => this.value(inside(String(i)), depth, i === at))
      if (kind === 0) return this.tuple(...items)
      return chance(this.choices, 80)
        ? list(...items)
        : bytesOf(OP.EMPTY_LIST, ...items.map((item) => bytesOf(item, OP.APPEND)))
    }
    const empty =
      kind === 2
        ? bytesOf(OP.EMPTY_DICT)
        : bytesOf(this.global('collections', 'OrderedDict'), OP.EMPTY_TUPLE, OP.REDUCE)
    const pairs = times(count, (i) => {
      const [key, part] = this.key(i)
      return bytesOf(part, this.value(inside(key), depth, i === at))
    })
    if (chance(this.choices, 80)) return bytesOf(empty, OP.MARK, ...pairs, OP.SETITEMS, this.state(kind === 3))
    return bytesOf(empty, ...pairs.map((pair) => bytesOf(pair, OP.SETITEM)), this.state(kind === 3))
  }

  private state(ordered: boolean): Uint8Array {
    return ordered && chance(this.choices, 20) ? bytesOf(OP.EMPTY_DICT, OP.BUILD) : bytesOf()
  }

  private key(i: number): readonly [string, Uint8Array] {
    switch (this.choices.int(6)) {
      case 1:
        return [String(i), this.int(i)]
      case 2:
        return [`${i}.5`, float(i + 0.5)]
      case 3:
        return i === 0 ? ['None', bytesOf(OP.NONE)] : [`n${i}`, this.text(`n${i}`)]
      case 4:
        return i === 0 ? ['False', bytesOf(OP.NEWFALSE)] : [`t${i}`, this.text(`t${i}`)]
      case 5:
        return [`__proto__${i}`, this.text(`__proto__${i}`)]
      default:
        return [`logits${i}`, this.text(`logits${i}`)]
    }
  }

  private parameterOrTensor(name: string): Uint8Array {
    const tensor = () => this.tensor(name)
    if (!chance(this.choices, 15)) return tensor()
    return this.call('torch._utils', '_rebuild_parameter', tensor, this.bool, this.hooks)
  }

  private tensor(name: string): Uint8Array {
    const key = pick(this.choices, [...this.storages.keys()])
    const storage = this.storages.get(key)!
    this.used.add(key)
    const view = viewOf(this.choices, storage.values.length)
    const { shape, strides } = view
    const last = shape.reduce((at, size, axis) => at + (size - 1) * strides[axis]!, view.offset)
    const reaches = !shape.includes(0) && this.strikes()
    this.beyond ||= reaches
    const offset = reaches ? view.offset + storage.values.length - last + this.choices.int(4) : view.offset
    this.found.push({ name, dtype: storage.dtype, shape, values: valuesOf(storage.values, shape, strides, offset) })
    const numbers = (all: number[]) => () => this.tuple(...all.map((number) => this.int(number)))
    const size = chance(this.choices, 10) ? () => this.call('torch', 'Size', numbers(shape)) : numbers(shape)
    const args = [() => this.storage(key, storage), () => this.int(offset), size, numbers(strides)]
    switch (this.choices.int(4)) {
      case 1:
        return this.call('torch._utils', '_rebuild_tensor', ...args)
      case 2: {
        const format = chance(this.choices, 50) ? () => this.int(2) : this.bool
        return this.call('torch_npu.utils.storage', '_rebuild_npu_tensor', ...args, this.bool, this.hooks, format)
      }
      case 3: {
        const metadata = () => this.or(OP.EMPTY_DICT)
        return this.call('torch._utils', '_rebuild_tensor_v2', ...args, this.bool, this.hooks, metadata)
      }
      default:
        return this.call('torch._utils', '_rebuild_tensor_v2', ...args, this.bool, this.hooks)
    }
  }

  private storage(key: string, { dtype, values }: Elements): Uint8Array {
    const location = pick(this.choices, ['cpu', 'cuda:0', 'npu:7', ''])
    const tag = this.text('storage')
    const storageClass = this.global('torch', STORAGE_CLASSES[dtype])
    const id = [tag, storageClass, this.text(key), this.text(location), this.int(values.length)]
    return bytesOf(this.tuple(...id, ...(this.legacy ? [this.or(OP.NONE)] : [])), OP.BINPERSID)
  }

  /** Parts are made in their order in the pickle, since the memo numbers them in that order. */
  private call(module: string, name: string, ...args: (() => Uint8Array)[]): Uint8Array {
    const callee = this.global(module, name)
    return bytesOf(callee, this.tuple(...args.map((make) => make())), OP.REDUCE)
  }

  private readonly hooks = () => bytesOf(this.global('collections', 'OrderedDict'), OP.EMPTY_TUPLE, OP.REDUCE)

  private readonly bool = () => this.or(chance(this.choices, 50) ? OP.NEWTRUE : OP.NEWFALSE)

  private tuple(...items: Uint8Array[]): Uint8Array {
    if (this.strikes())
      items.splice(this.choices.int(items.length + 1), this.choices.int(2), bytesOf(junk(this.choices)))
    const short = [OP.EMPTY_TUPLE, OP.TUPLE1, OP.TUPLE2, OP.TUPLE3][items.length]
    return short !== undefined && chance(this.choices, 80)
      ? bytesOf(...items, short)
      : bytesOf(OP.MARK, ...items, OP.TUPLE)
  }

  private int(value: number): Uint8Array {
    if (this.strikes())
      return bytesOf(
        pick(this.choices, [long(pick(this.choices, EDGES), 9), long(-pick(this.choices, EDGES), 10), float(value)]),
      )
    const wide = value < 65536 ? bytesOf(0x4d, u16(value)) : int(value)
    return pick(this.choices, [
      int(value),
      wide,
      bytesOf(0x4a, u32(value)),
      long(BigInt(value), 8),
      long(BigInt(value), 16),
    ])
  }

  private text(value: string): Uint8Array {
    return this.memoizable(`t ${value}`, () => (chance(this.choices, 50) ? shortText(value) : text(value)))
  }

  private global(module: string, name: string): Uint8Array {
    if (this.strikes()) return this.global(...wrongGlobal(this.choices, module, name))
    return this.memoizable(`g ${module} ${name}`, () => {
      if (this.protocol < 4 && !chance(this.choices, 20)) return bytesOf(OP.GLOBAL, utf8(`${module}\n${name}\n`))
      return bytesOf(shortText(module), text(name), OP.STACK_GLOBAL)
    })
  }

  private scalar(): Uint8Array {
    return this.or(
      pick<Part>(this.choices, [
        OP.NONE,
        OP.NEWTRUE,
        int(7),
        float(1.5),
        text('größe 日本'),
        OP.EMPTY_LIST,
        OP.EMPTY_DICT,
        long(-(2n ** 70n), 10),
      ]),
    )
  }

  /** The part, memoized or taken from the memo, in one of the ways of protocols 2 to 5. */
  private memoizable(key: string, make: () => Uint8Array): Uint8Array {
    if (this.strikes()) return bytesOf(junk(this.choices))
    const known = this.memo.get(key)
    if (known !== undefined && chance(this.choices, 80)) return get(known)
    const part = make()
    if (chance(this.choices, 40)) return part
    const index = this.memoized++
    this.memo.set(key, index)
    return bytesOf(part, this.protocol < 4 ? put(index) : OP.MEMOIZE)
  }

  private or(part: Part): Uint8Array {
    return bytesOf(this.strikes() ? junk(this.choices) : part)
  }

  private strikes(): boolean {
    if (this.choices.int(1000) < 1000 - this.faults) return false
    this.wrong++
    return true
  }
}

/** Sizes, strides and an offset within `numel` elements. */
function viewOf(choices: Choices, numel: number): { shape: number[]; strides: number[]; offset: number } {
  const offset = choices.int(numel + 1)
  const shape: number[] = []
  const strides: number[] = []
  let room = numel - offset - 1
  if (room < 0) return { shape: [choices.int(3), 0, choices.int(3)], strides: [1, 1, 9], offset }
  for (let rank = choices.int(5); rank > 0; rank--) {
    const stride = choices.int(7)
    const most = stride === 0 ? 3 : Math.min(6, 1 + Math.floor(room / stride))
    const size = chance(choices, 3) ? 0 : 1 + choices.int(most)
    room -= Math.max(0, size - 1) * stride
    shape.unshift(size)
    strides.unshift(size === 1 ? choices.int(1000) : stride)
  }
  return { shape, strides, offset }
}

function valuesOf(storage: readonly number[], shape: number[], strides: number[], offset: number): number[] {
  let places = [offset]
  shape.forEach((size, axis) => {
    places = places.flatMap((at) => times(size, (i) => at + i * strides[axis]!))
  })
  return places.map((at) => storage[at]!)
}

function wrongGlobal(choices: Choices, module: string, name: string): [string, string] {
  return pick<[string, string]>(choices, [
    ['os', 'system'],
    ['builtins', 'eval'],
    ['__builtin__', 'getattr'],
    [module, `${name}.__reduce__`],
    [module, '__proto__'],
    ['constructor', 'prototype'],
    ['', ''],
    [name, module],
    ['torch', 'ComplexFloatStorage'],
    ['torch._utils', '_rebuild_qtensor'],
    ['torch', 'load'],
  ])
}

/** One value of any type. */
function junk(choices: Choices): Part {
  return pick<Part>(choices, [
    ...[OP.NONE, OP.NEWTRUE, int(-1), float(Number.NaN), text(''), OP.EMPTY_TUPLE, OP.EMPTY_LIST, OP.EMPTY_DICT],
    ...[
      long(2n ** 100n, 16),
      text('\u001b[2J\u202e'),
      bytesOf(OP.GLOBAL, utf8('torch\nFloatStorage\n')),
      get(0),
      get(99),
    ],
    ...[bytesOf(), bytesOf(OP.MARK), bytesOf(OP.STOP), anyOpcode(choices)],
  ])
}

function anyOpcode(choices: Choices): Uint8Array {
  const opcode = choices.int(256)
  const argument = pick<Part>(choices, [
    bytesOf(),
    choices.int(256),
    u32(Number(pick(choices, EDGES) & 0xffffffffn)),
    u64(pick(choices, EDGES)),
  ])
  return bytesOf(opcode, argument)
}
