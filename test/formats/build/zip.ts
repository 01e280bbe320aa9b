import { crc32 } from 'node:zlib'
import { bytesOf, type Part, u16, u32, u64, utf8 } from './pickle.js'

/** A record of an archive. Fields that are left out are correct. */
export interface RecordSpec {
  name: string
  content: Uint8Array
  /** The bytes in the file, if not the content. */
  packed?: Uint8Array
  /** In the directory. */
  entry?: Partial<EntryFields>
  /** In the local header. */
  local?: Partial<LocalFields>
  /** Bytes after the record. */
  gap?: Uint8Array
  /** Leaves the record out of the directory, or out of the file (its offset is then that of the previous record). */
  only?: 'local' | 'directory'
}

interface LocalFields {
  signature: number
  flags: number
  method: number
  name: Uint8Array
  extra: Uint8Array
}

interface EntryFields extends LocalFields {
  crc: number
  compressedSize: number
  size: number
  disk: number
  header: number
  comment: Uint8Array
  /** Instead of the length of the name. */
  nameLength: number
}

interface EndFields {
  disk: number
  firstDisk: number
  here: number
  count: number
  directorySize: number
  directoryStart: number
  comment: Uint8Array
  /** Instead of the length of the comment. */
  commentLength: number
}

export interface ArchiveSpec {
  prefix?: Uint8Array
  /** Between the directory and the end records. */
  beforeEnd?: Uint8Array
  /** Bytes at the end of the directory, included in its size. */
  directoryTail?: Uint8Array
  end?: Partial<EndFields>
  /** Fields of the zip64 records, which are written only if this is set. */
  wide?: Partial<WideFields>
  /** After the end record. */
  suffix?: Uint8Array
}

interface WideFields {
  signature: number
  recordSize: bigint
  disk: number
  firstDisk: number
  here: bigint
  count: bigint
  directorySize: bigint
  directoryStart: bigint
  locatorDisk: number
  locatorOffset: bigint
  disks: number
}

const NOTHING = new Uint8Array(0)

/** A zip archive, by the fields of PKWARE's APPNOTE 6.3. */
export function zip(records: readonly RecordSpec[], spec: ArchiveSpec = {}): Uint8Array {
  const file: Part[] = [spec.prefix ?? NOTHING]
  const directory: Part[] = []
  let at = (spec.prefix ?? NOTHING).length
  let header = at
  for (const record of records) {
    const packed = record.packed ?? record.content
    if (record.only !== 'directory') {
      header = at
      const bytes = bytesOf(localHeader(record), packed, record.gap ?? NOTHING)
      file.push(bytes)
      at += bytes.length
    }
    if (record.only !== 'local') directory.push(directoryEntry(record, header, packed.length))
  }
  const entries = bytesOf(...directory, spec.directoryTail ?? NOTHING)
  const count = records.filter(({ only }) => only !== 'local').length
  const place = { count, directorySize: entries.length, directoryStart: at }
  const wideAt = at + entries.length + (spec.beforeEnd ?? NOTHING).length
  return bytesOf(
    ...file,
    entries,
    spec.beforeEnd ?? NOTHING,
    spec.wide ? wideEnd(spec.wide, place, wideAt) : NOTHING,
    end(spec.end ?? {}, place),
    spec.suffix ?? NOTHING,
  )
}

function localHeader({ name, packed, local = {} }: RecordSpec): Uint8Array {
  const fields: LocalFields = {
    signature: 0x04034b50,
    flags: 0,
    method: packed ? 8 : 0,
    name: utf8(name),
    extra: NOTHING,
    ...local,
  }
  return bytesOf(
    u32(fields.signature),
    u16(20),
    u16(fields.flags),
    u16(fields.method),
    u32(0),
    u32(0),
    u32(0),
    u32(0),
    u16(fields.name.length),
    u16(fields.extra.length),
    fields.name,
    fields.extra,
  )
}

function directoryEntry({ name, content, packed, entry = {} }: RecordSpec, header: number, length: number): Uint8Array {
  const fields = {
    signature: 0x02014b50,
    flags: 0,
    method: packed ? 8 : 0,
    name: utf8(name),
    extra: NOTHING,
    crc: crc32(content),
    compressedSize: length,
    size: content.length,
    disk: 0,
    header,
    comment: NOTHING,
    ...entry,
  }
  return bytesOf(
    u32(fields.signature),
    u16(20),
    u16(20),
    u16(fields.flags),
    u16(fields.method),
    u32(0),
    u32(fields.crc),
    u32(fields.compressedSize),
    u32(fields.size),
    u16(fields.nameLength ?? fields.name.length),
    u16(fields.extra.length),
    u16(fields.comment.length),
    u16(fields.disk),
    u16(0),
    u32(0),
    u32(fields.header),
    fields.name,
    fields.extra,
    fields.comment,
  )
}

type Place = Pick<EndFields, 'count' | 'directorySize' | 'directoryStart'>

function end(given: Partial<EndFields>, place: Place): Uint8Array {
  const fields = { disk: 0, firstDisk: 0, here: given.count ?? place.count, comment: NOTHING, ...place, ...given }
  return bytesOf(
    u32(0x06054b50),
    u16(fields.disk),
    u16(fields.firstDisk),
    u16(fields.here),
    u16(fields.count),
    u32(fields.directorySize),
    u32(fields.directoryStart),
    u16(fields.commentLength ?? fields.comment.length),
    fields.comment,
  )
}

function wideEnd(given: Partial<WideFields>, place: Place, at: number): Uint8Array {
  const fields: WideFields = {
    signature: 0x06064b50,
    recordSize: 44n,
    disk: 0,
    firstDisk: 0,
    here: given.count ?? BigInt(place.count),
    count: BigInt(place.count),
    directorySize: BigInt(place.directorySize),
    directoryStart: BigInt(place.directoryStart),
    locatorDisk: 0,
    locatorOffset: BigInt(at),
    disks: 1,
    ...given,
  }
  return bytesOf(
    u32(fields.signature),
    u64(fields.recordSize),
    u16(45),
    u16(45),
    u32(fields.disk),
    u32(fields.firstDisk),
    u64(fields.here),
    u64(fields.count),
    u64(fields.directorySize),
    u64(fields.directoryStart),
    u32(0x07064b50),
    u32(fields.locatorDisk),
    u64(fields.locatorOffset),
    u32(fields.disks),
  )
}

/** The content of the storage of `tensor()` in pickle.ts. */
export const FOUR = new Uint8Array(Float32Array.of(1, -2, 0.5, 8).buffer)

/** The records of a torch file. */
export function torchRecords(pickled: Uint8Array, data: Uint8Array = FOUR, root = 'archive'): RecordSpec[] {
  return [
    { name: `${root}/data.pkl`, content: pickled },
    { name: `${root}/byteorder`, content: utf8('little') },
    { name: `${root}/data/0`, content: data },
    { name: `${root}/version`, content: utf8('3\n') },
  ]
}

/** A torch file around a pickle. */
export const torchZip = (pickled: Uint8Array, data: Uint8Array = FOUR): Uint8Array => zip(torchRecords(pickled, data))
