import { deflateRawSync } from 'node:zlib'
import { legacy } from '../formats/build/legacy.js'
import { bytesOf, dict, int, list, OP, type Part, text, u16, u32, u64, utf8 } from '../formats/build/pickle.js'
import { type ArchiveSpec, type RecordSpec, zip } from '../formats/build/zip.js'
import { type Choices, chance, EDGES, pick, times } from './choices.js'
import { BIN_DTYPES, elementsOf } from './elements.js'
import type { Expected } from './examine.js'
import { type GeneratedObject, generateObject, opcodeSoup } from './pickle-grammar.js'

/** A generated file, and its tensors if it is valid. */
export interface GeneratedFile {
  bytes: Uint8Array
  expected?: Expected
}

const pickled = ({ body, protocol }: GeneratedObject): Uint8Array => {
  const framed = protocol >= 4 ? bytesOf(0x95, u64(body.length + 1)) : bytesOf()
  return bytesOf(0x80, protocol, framed, body, OP.STOP)
}

/** An archive as torch or another zip writer might write it. */
export function generateZip(choices: Choices, faults: number): GeneratedFile {
  const object = generateObject(choices, pick(choices, [0, faults]), false)
  const soup = faults > 0 && chance(choices, 20) ? bytesOf(0x80, 2, opcodeSoup(choices), OP.STOP) : undefined
  const root = pick(choices, ['archive', 'output', 'a/b', 'größe 日本'])
  const storages = [...object.storages].map(([key, { bytes }]) => ({ name: `${root}/data/${key}`, content: bytes }))
  const order = chance(choices, 60) ? [{ name: `${root}/byteorder`, content: utf8('little') }] : []
  const more = times(choices.int(3), (i) => ({ name: `${root}/.data/more_${i}`, content: utf8('x'.repeat(i)) }))
  let records: RecordSpec[] = [
    { name: `${root}/data.pkl`, content: soup ?? pickled(object) },
    { name: `${root}/version`, content: utf8('3\n') },
    ...order,
    ...storages,
    ...more,
  ]
  if (chance(choices, 20)) records = records.reverse()
  records = records.map((record) => dressed(choices, record))
  const spec: ArchiveSpec = {
    ...(chance(choices, 50) && { wide: {} }),
    ...(chance(choices, 20) && { end: { comment: utf8('by hand') } }),
  }
  const wrong = soup !== undefined || (faults > 0 && chance(choices, 60) && spoil(choices, records, spec))
  const bytes = zip(records, spec)
  return { bytes, ...(!wrong && object.expected && { expected: object.expected }) }
}

/** A record in one of the valid ways. */
function dressed(choices: Choices, record: RecordSpec): RecordSpec {
  switch (choices.int(6)) {
    case 1:
      return { ...record, packed: new Uint8Array(deflateRawSync(record.content)) }
    case 2: {
      const extra = bytesOf(utf8('FB'), u16(11), new Uint8Array(11))
      return {
        ...record,
        local: { flags: 0x0808, extra },
        entry: { flags: 0x0808 },
        gap: new Uint8Array(pick(choices, [0, 12, 16, 20, 24])),
      }
    }
    case 3:
      return { ...record, entry: { crc: 0 } }
    case 4: {
      const size = record.content.length
      return { ...record, entry: { size: 0xffffffff, extra: bytesOf(u16(1), u16(8), u64(size)) } }
    }
    default:
      return record
  }
}

/** Usually makes one field of an archive wrong. */
function spoil(choices: Choices, records: RecordSpec[], spec: ArchiveSpec): boolean {
  const edge = pick(choices, EDGES)
  const narrow = Number(edge & 0xffffffffn)
  const short = Number(edge & 0xffffn)
  const at = choices.int(records.length)
  const record = records[at]!
  const entry = pick(choices, [
    'signature',
    'flags',
    'method',
    'crc',
    'compressedSize',
    'size',
    'disk',
    'header',
    'nameLength',
  ] as const)
  const narrowEntry = entry === 'flags' || entry === 'method' || entry === 'disk' || entry === 'nameLength'
  const local = pick(choices, ['signature', 'flags', 'method'] as const)
  const end = pick(choices, [
    'disk',
    'firstDisk',
    'here',
    'count',
    'directorySize',
    'directoryStart',
    'commentLength',
  ] as const)
  const shortEnd = end !== 'directorySize' && end !== 'directoryStart'
  const wide = pick(choices, [
    'recordSize',
    'here',
    'count',
    'directorySize',
    'directoryStart',
    'locatorOffset',
  ] as const)
  const wideDisk = pick(choices, ['signature', 'disk', 'firstDisk', 'locatorDisk', 'disks'] as const)
  const noise = Uint8Array.from({ length: 1 + choices.int(40) }, () => choices.int(256))
  const spoilers: (() => void)[] = [
    () => {
      records[at] = { ...record, entry: { ...record.entry, [entry]: narrowEntry ? short : narrow } }
    },
    () => {
      records[at] = { ...record, local: { ...record.local, [local]: local === 'signature' ? narrow : short } }
    },
    () => {
      records[at] = { ...record, entry: { ...record.entry, extra: noise } }
    },
    () => {
      records[at] = { ...record, local: { ...record.local, extra: noise } }
    },
    () => {
      records[at] = { ...record, packed: noise }
    },
    () => {
      records[at] = { ...record, gap: noise }
    },
    () => {
      records[at] = { ...record, content: bytesOf(record.content, noise) }
    },
    () => {
      records[at] = { ...record, only: pick(choices, ['local', 'directory'] as const) }
    },
    () => {
      records[at] = {
        ...record,
        name: pick(choices, [
          '',
          '/x',
          '../x',
          'a\\b',
          'x\0',
          'constants.pkl',
          'b/data.pkl',
          record.name.toUpperCase(),
          `${record.name}/`,
        ]),
      }
    },
    () => {
      records[at] = { ...record, local: { ...record.local, name: noise } }
    },
    () => {
      records.push(records[choices.int(records.length)]!)
    },
    () => {
      records.splice(at, 1)
    },
    () => {
      spec.end = { ...spec.end, [end]: shortEnd ? short : narrow }
    },
    () => {
      spec.wide = { ...spec.wide, [wide]: edge }
    },
    () => {
      spec.wide = { ...spec.wide, [wideDisk]: narrow }
    },
    () => {
      spec.prefix = noise
    },
    () => {
      spec.beforeEnd = noise
    },
    () => {
      spec.directoryTail = noise
    },
    () => {
      spec.suffix = noise
    },
    () => {
      spec.end = { ...spec.end, comment: zip([records[at]!]) }
    },
  ]
  pick(choices, spoilers)()
  return true
}

/** A file of torch.save before 1.6. */
export function generateLegacy(choices: Choices, faults: number): GeneratedFile {
  const object = generateObject(choices, pick(choices, [0, faults]), true)
  const keys = [...object.storages.keys()].reverse()
  const stored = keys.map((key) => object.storages.get(key)!)
  let wrong = false
  const or = <T extends Part>(part: T, ...others: Part[]): Part => {
    if (choices.int(1000) < 1000 - 2 * faults) return part
    wrong = true
    return pick(choices, [...others, int(0), text('x'), OP.EMPTY_LIST, OP.NONE, bytesOf(), opcodeSoup(choices)])
  }
  const edge = () => u64(pick(choices, EDGES))
  const storages = bytesOf(
    ...stored.flatMap(({ values, bytes }) => [or(u64(values.length), edge()), or(bytes, bytes.subarray(1))]),
    or(bytesOf(), 0),
  )
  const bytes = legacy({
    protocol: or(int(1001), int(1000)),
    system: or(
      dict(text('protocol_version'), int(1001), text('little_endian'), OP.NEWTRUE),
      dict(text('little_endian'), OP.NEWFALSE),
    ),
    object: object.body,
    keys: or(list(...keys.map((key) => text(key))), list(text('x'))),
    storages,
  })
  return { bytes, ...(!wrong && object.expected && { expected: object.expected }) }
}

/** A file of ATB. */
export function generateBin(choices: Choices, faults: number): GeneratedFile {
  const { dtype, values, bytes } = elementsOf(choices)
  const shape = [...times(choices.int(3), () => 1), values.length]
  let wrong = false
  const or = (value: string): string => {
    if (choices.int(1000) < 1000 - 4 * faults) return value
    wrong = true
    const edge = pick(choices, EDGES)
    return pick(choices, [
      '',
      '-1',
      '+1',
      '1.0',
      '01',
      '1e3',
      ' 1',
      '0x10',
      '1,',
      'NaN',
      '\u001b[2J',
      '9'.repeat(30),
      `${edge}`,
      `${edge},${edge}`,
      `0,${edge}`,
    ])
  }
  const lines: [string, string][] = [
    ['$Version', or('1.0')],
    ['$Object.Count', or('1')],
    ['$Object.Length', or(String(bytes.length))],
    ['format', or('2')],
    ['dtype', or(String(BIN_DTYPES[dtype]))],
    ['dims', or(shape.join(','))],
    ['$Object.data', or(`0,${bytes.length}`)],
  ]
  const kept = lines.filter(([name]) => name === 'dtype' || name === 'dims' || !chance(choices, 20))
  if (chance(choices, 20)) kept.reverse()
  if (chance(choices, 10)) kept.push(['note', 'x'.repeat(choices.int(1000))])
  if (faults > 0 && chance(choices, 15)) {
    wrong = true
    const names = ['dtype', 'dims', 'data', 'l2norm', '__proto__', 'a b', '', 'x'.repeat(5000)]
    kept.splice(choices.int(kept.length), choices.int(2), [
      pick(choices, names),
      pick(choices, ['0', '2_0_outtensor0.bin', 'x']),
    ])
  }
  const header = utf8(`${kept.map(([name, value]) => `${name}=${value}\n`).join('')}$End=${or('1')}\n`)
  const tail =
    faults > 0 && chance(choices, 15)
      ? pick(choices, [bytes.subarray(1), bytesOf(bytes, 0), bytesOf(bytes, header, bytes), bytesOf(u32(7))])
      : undefined
  if (tail !== undefined) wrong = true
  return { bytes: bytesOf(header, tail ?? bytes), ...(!wrong && { expected: [{ name: '', dtype, shape, values }] }) }
}
