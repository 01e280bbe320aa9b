import { GoldenLogitsError } from '../../errors.js'
import { type Budgets, overBudget, withinBudget } from '../../io/budgets.js'
import { decodeUtf8 } from '../../io/utf8.js'
import { PickleCursor, type PickleSource } from './cursor.js'
import { allowedGlobal } from './globals.js'
import { persistentStorage, reduce } from './reduce.js'
import { type DictValue, isKind, keyText, typeName, type Value } from './values.js'

/**
 * Runs a pickle on a machine that supports only the opcodes that torch.save writes for tensors, and can build only
 * data: globals are names from a closed list, and a call can only describe a tensor. For the opcodes see Python's
 * `pickletools`, protocols 2 to 5.
 *
 * @param start offset of the first opcode in `bytes`
 * @returns the value, and the offset after its STOP
 * @throws GoldenLogitsError `malformed-pickle`, `unsupported-opcode`, `disallowed-global`, `unsupported-dtype`,
 * `bad-tensor`, `bad-storage`, `limit-exceeded`
 */
export function runPickle(bytes: Uint8Array, start: number, source: PickleSource): { value: Value; end: number } {
  const machine = new Machine(new PickleCursor(bytes, start, source), source)
  return { value: machine.run(), end: machine.cursor.at }
}

const STOP = 0x2e

class Machine {
  readonly cursor: PickleCursor
  private readonly budgets: Budgets
  private readonly legacy: boolean
  private readonly stack: Value[] = []
  /** The stack's length at each open MARK. */
  private readonly marks: number[] = []
  readonly memo = new Map<number, Value>()
  private opcodeAt = 0

  constructor(cursor: PickleCursor, { budgets, legacy = false }: PickleSource) {
    this.cursor = cursor
    this.budgets = budgets
    this.legacy = legacy
  }

  run(): Value {
    this.protocol()
    for (let opcodes = 2; ; opcodes++) {
      this.limit('pickleOpcodes', opcodes, 'opcodes of the pickle')
      this.opcodeAt = this.cursor.at
      const opcode = this.cursor.uint8()
      if (opcode === STOP) return this.result()
      const act = ACTIONS.get(opcode)
      if (!act) throw this.unsupported(opcode)
      act(this)
      this.limit('pickleStack', this.stack.length, 'values on the stack of the pickle')
    }
  }

  protocol(): void {
    this.opcodeAt = this.cursor.at
    const opcode = this.cursor.uint8()
    if (opcode !== 0x80) throw this.malformed(`it starts with byte 0x${hex(opcode)}, expected PROTO (0x80)`)
    this.readProtocol()
  }

  readProtocol(): void {
    const protocol = this.cursor.uint8()
    if (protocol < 2 || protocol > 5) throw this.malformed(`protocol ${protocol}, expected 2 to 5`)
  }

  private result(): Value {
    if (this.marks.length > 0) throw this.malformed(`${this.marks.length} MARKs open at its end`)
    if (this.stack.length !== 1) throw this.malformed(`${this.stack.length} values left at its end, expected 1`)
    return this.stack[0]!
  }

  push(value: Value): void {
    this.stack.push(value)
  }

  /** Removes the top value, but never a value below an open MARK. */
  pop(): Value {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) throw this.malformed('it takes a value from an empty stack')
    return this.stack.pop()!
  }

  /** The top value, which stays on the stack. */
  top(): Value {
    const value = this.pop()
    this.stack.push(value)
    return value
  }

  mark(): void {
    this.marks.push(this.stack.length)
    this.limit('pickleMarks', this.marks.length, 'open MARKs of the pickle')
  }

  /** Closes the last MARK and removes the values above it. */
  popMark(): Value[] {
    const height = this.marks.pop()
    if (height === undefined) throw this.malformed('it takes the values above a MARK, but no MARK is open')
    return this.stack.splice(height)
  }

  /** Picklers number memoized values from 0, so the index has the same budget as their number. */
  put(index: number): void {
    this.limit('pickleMemo', index + 1, 'values the pickle memoizes')
    this.memo.set(index, this.top())
  }

  get(index: number): void {
    const value = this.memo.get(index)
    if (value === undefined) throw this.malformed(`it reads memo ${index}, which was never set`)
    this.push(value)
  }

  text(length: number): string {
    this.limit('pickleString', length, 'bytes of a string of the pickle')
    return this.decode(this.cursor.take(length))
  }

  decode(bytes: Uint8Array): string {
    const text = decodeUtf8(bytes)
    if (text === undefined) throw this.malformed('a string that is not UTF-8')
    return text
  }

  global(): void {
    const max = this.budgets.pickleGlobal
    const module = this.cursor.line(max)
    const name = module && this.cursor.line(max - module.length)
    if (!name) throw overBudget(this.budgets, 'pickleGlobal', max + 1, 'bytes of a name in the pickle', this.here)
    this.push({ kind: 'global', global: allowedGlobal(this.decode(module), this.decode(name), this.here) })
  }

  stackGlobal(): void {
    const name = this.pop()
    const module = this.pop()
    if (typeof module !== 'string' || typeof name !== 'string') {
      throw this.malformed(`STACK_GLOBAL of ${typeName(module)} and ${typeName(name)}, expected two strings`)
    }
    this.push({ kind: 'global', global: allowedGlobal(module, name, this.here) })
  }

  /** LONG1: two's complement, little-endian. Beyond 2⁵³ it stays a bigint, which is refused as a size or offset. */
  long(): void {
    const length = this.cursor.uint8()
    if (length > 16) throw this.malformed(`a number of ${length} bytes, expected at most 16`)
    const bytes = this.cursor.take(length)
    const wide = new Uint8Array(16).fill(length > 0 && bytes[length - 1]! >= 0x80 ? 0xff : 0)
    wide.set(bytes)
    const view = new DataView(wide.buffer)
    const value =
      length <= 8 ? view.getBigInt64(0, true) : (view.getBigInt64(8, true) << 64n) | view.getBigUint64(0, true)
    this.push(Number.isSafeInteger(Number(value)) ? Number(value) : value)
  }

  append(values: Value[]): void {
    const list = this.top()
    if (!isKind(list, 'list')) throw this.malformed(`it appends to ${typeName(list)}, expected a list`)
    for (const value of values) list.items.push(value)
  }

  setItems(values: Value[]): void {
    const dict = this.top()
    if (!isKind(dict, 'dict')) throw this.malformed(`it sets items of ${typeName(dict)}, expected a dict`)
    if (values.length % 2 !== 0) throw this.malformed('a key without a value')
    for (let i = 0; i < values.length; i += 2) this.setItem(dict, values[i]!, values[i + 1]!)
  }

  private setItem(dict: DictValue, key: Value, value: Value): void {
    if (typeof key === 'object' && key !== null && key.kind !== 'float') {
      throw this.malformed(`a dict key that is ${typeName(key)}, expected a string or a number`)
    }
    const text = keyText(key)
    const before = dict.entries.get(text)
    dict.entries.set(text, { key: before ? before.key : key, value })
  }

  reduce(): void {
    const args = this.pop()
    const callee = this.pop()
    const { file, offset } = this.here
    // Field by field: objects made by a spread survive V8's young collections, which adds up over many files.
    this.push(reduce(callee, args, { file, offset, budgets: this.budgets }))
  }

  /** Drops the attributes of an OrderedDict (`_metadata` of a state dict), and the state of a NumPy dtype. */
  build(): void {
    this.pop()
    const target = this.top()
    if ((isKind(target, 'dict') && target.ordered) || (isKind(target, 'inert') && target.what === 'a NumPy dtype'))
      return
    throw this.malformed(`BUILD on ${typeName(target)}, expected an OrderedDict`)
  }

  persistent(): void {
    this.push(persistentStorage(this.pop(), this.legacy, this.here))
  }

  malformed(message: string): GoldenLogitsError {
    return this.cursor.malformed(message, this.opcodeAt)
  }

  /** The position of the current opcode in the file. */
  private get here(): { file: string; offset: number } {
    return this.cursor.where(this.opcodeAt)
  }

  private unsupported(opcode: number): GoldenLogitsError {
    const message = `torch.save does not write pickle opcode 0x${hex(opcode)} for tensors; save only the tensor: torch.save(logits, path)`
    return new GoldenLogitsError('unsupported-opcode', message, this.here)
  }

  private limit(name: keyof Budgets, value: number, what: string): void {
    withinBudget(this.budgets, name, value, what, this.here)
  }
}

/** All supported opcodes, except STOP. A second PROTO does nothing, as in Python. */
const ACTIONS: ReadonlyMap<number, (m: Machine) => void> = new Map<number, (m: Machine) => void>([
  [0x80, (m) => m.readProtocol()],
  [0x95, (m) => m.cursor.ensure(m.cursor.uint64(), 'a frame')], // FRAME
  [0x28, (m) => m.mark()],
  [0x4e, (m) => m.push(null)],
  [0x88, (m) => m.push(true)],
  [0x89, (m) => m.push(false)],
  [0x4a, (m) => m.push(m.cursor.int32())], // BININT
  [0x4b, (m) => m.push(m.cursor.uint8())], // BININT1
  [0x4d, (m) => m.push(m.cursor.uint16())], // BININT2
  [0x8a, (m) => m.long()], // LONG1
  [0x47, (m) => m.push({ kind: 'float', value: m.cursor.float64() })], // BINFLOAT
  [0x58, (m) => m.push(m.text(m.cursor.uint32()))], // BINUNICODE
  [0x8c, (m) => m.push(m.text(m.cursor.uint8()))], // SHORT_BINUNICODE
  [0x29, (m) => m.push({ kind: 'tuple', items: [] })], // EMPTY_TUPLE
  [0x74, (m) => m.push({ kind: 'tuple', items: m.popMark() })], // TUPLE
  [0x85, (m) => m.push({ kind: 'tuple', items: [m.pop()] })], // TUPLE1
  [0x86, (m) => m.push({ kind: 'tuple', items: [m.pop(), m.pop()].reverse() })], // TUPLE2
  [0x87, (m) => m.push({ kind: 'tuple', items: [m.pop(), m.pop(), m.pop()].reverse() })], // TUPLE3
  [0x5d, (m) => m.push({ kind: 'list', items: [] })], // EMPTY_LIST
  [0x61, (m) => m.append([m.pop()])], // APPEND
  [0x65, (m) => m.append(m.popMark())], // APPENDS
  [0x7d, (m) => m.push({ kind: 'dict', ordered: false, entries: new Map() })], // EMPTY_DICT
  [0x73, (m) => m.setItems([m.pop(), m.pop()].reverse())], // SETITEM
  [0x75, (m) => m.setItems(m.popMark())], // SETITEMS
  [0x71, (m) => m.put(m.cursor.uint8())], // BINPUT
  [0x72, (m) => m.put(m.cursor.uint32())], // LONG_BINPUT
  [0x94, (m) => m.put(m.memo.size)], // MEMOIZE
  [0x68, (m) => m.get(m.cursor.uint8())], // BINGET
  [0x6a, (m) => m.get(m.cursor.uint32())], // LONG_BINGET
  [0x63, (m) => m.global()],
  [0x93, (m) => m.stackGlobal()],
  [0x52, (m) => m.reduce()],
  [0x62, (m) => m.build()],
  [0x51, (m) => m.persistent()], // BINPERSID
])

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}
