import { TextDecoder } from 'node:util'
import { GoldenLogitsError, printable } from '../errors.js'
import { readBytes } from '../io/byte-source.js'
import { withFile } from '../io/file-source.js'
import { kindOf } from '../io/folder.js'
import { type Dtype, itemSize } from '../tensor/dtype.js'
import { decodeRow } from './compact/code.js'
import { decodeOldRow } from './compact/old-code.js'
import type { CompactRow } from './compact/types.js'
import { isSnapshotStart } from './foreign.js'
import { refuseLfsPointer } from './npz.js'
import { checksum, lineDigest, MAGIC, MAX_TEXT } from './render.js'
import {
  badSnapshot,
  dataPath,
  type Fidelity,
  FORMAT_VERSION,
  type Snapshot,
  type SnapshotToken,
  type SourceFile,
} from './types.js'

// Far more than names and paths have. A pattern that repeats without a bound runs out of stack on a longer text.
const STRING = '("(?:[^"\\\\]|\\\\.){0,1000000}")'
const HEADER = new RegExp(
  `^(?:made-by golden-logits (\\S+)|fidelity (full|compact)|layout (\\S+)|test ${STRING}|with ${STRING} ${STRING})$`,
)
const TOKEN = new RegExp(
  `^token (0|[1-9]\\d{0,14})  top1 (\\d{1,7})  logit (\\S{1,30})  (\\w{1,10}) \\[(\\d{1,7})\\]  sha256 ([0-9a-f]{32})  layer ${STRING}$`,
)
const SOURCE = new RegExp(`^source (\\d{1,15})  sha256 ([0-9a-f]{32})  (\\d{1,15}) bytes  ${STRING}$`)
const ROW = /^row (\d{1,15}) ([A-Za-z0-9+/]+={0,2})$/

/**
 * Reads a snapshot's text file; the rows of a full one stay in its `.npz` file.
 * @throws GoldenLogitsError `bad-snapshot`, `snapshot-version`, `unsupported-format` for a Git LFS pointer, and what `openFile`
 * throws
 */
export function readSnapshot(path: string): Snapshot {
  const text = withFile(path, (source) => {
    refuseLfsPointer(source)
    if (source.size > MAX_TEXT) throw badSnapshot(path, `it has ${source.size} bytes, expected at most ${MAX_TEXT}`)
    return new TextDecoder().decode(readBytes(source, 0, source.size))
  })
  const snapshot = parseSnapshot(path, text)
  if (snapshot.fidelity === 'full' && kindOf(dataPath(path)) !== 'file') {
    throw badSnapshot(path, 'the .npz file with its rows is not next to it')
  }
  return snapshot
}

/**
 * Parses a snapshot's text. Line ends may be CRLF, because Git on Windows converts them.
 * @throws GoldenLogitsError `bad-snapshot` for a text that `renderSnapshot` did not write exactly like this, `snapshot-version`
 * for one of a later format
 */
export function parseSnapshot(file: string, bytes: string): Snapshot {
  const text = bytes.replaceAll('\r\n', '\n')
  const format = readVersion(file, text)
  const end = text.lastIndexOf('checksum ')
  const sum = /^checksum ([0-9a-f]{64})\n$/.exec(end < 0 ? '' : text.slice(end))?.[1]
  if (sum === undefined) throw badSnapshot(file, 'it has no checksum at its end: it was cut short')
  if (checksum(text.slice(0, end)) !== sum) throw badSnapshot(file, 'its checksum is wrong: it was edited')
  const [header, tokens, ...rest] = text.slice(0, end - 1).split('\n\n') as [string, string?, ...string[]]
  if (tokens === undefined) throw badSnapshot(file, 'it has no tokens')
  const facts = parseHeader(file, header.split('\n').slice(1))
  const { sources, rows } = parseRest(
    file,
    rest.flatMap((section) => section.split('\n')),
  )
  return { path: file, ...facts, tokens: parseTokens(file, tokens.split('\n'), rows, { ...facts, format }), sources }
}

function readVersion(file: string, text: string): number {
  const version = new RegExp(`^${MAGIC}(\\d{1,9})\n`).exec(text)?.[1]
  if (version === undefined) {
    const advice = isSnapshotStart(text.slice(0, MAGIC.length))
      ? undefined
      : 'restore the snapshot from version control, or delete the file, which no update overwrites'
    throw badSnapshot(file, 'its first line is not that of a snapshot', advice)
  }
  if (Number(version) <= FORMAT_VERSION) return Number(version)
  const message = `the snapshot has format ${version}, but this version of golden-logits reads formats up to ${FORMAT_VERSION}; update the package`
  throw new GoldenLogitsError('snapshot-version', message, { file })
}

function parseHeader(file: string, lines: readonly string[]): Omit<Snapshot, 'path' | 'tokens' | 'sources'> {
  let [madeBy, fidelity, layout, test]: (string | undefined)[] = []
  const provenance = new Map<string, string>()
  for (const line of lines) {
    const match = HEADER.exec(line)
    if (!match) throw badSnapshot(file, `its header has the line '${printable(line)}'`)
    madeBy ??= match[1]
    fidelity ??= match[2]
    layout ??= match[3]
    test ??= match[4]
    if (match[5] !== undefined) provenance.set(parseString(file, match[5]), parseString(file, match[6]!))
  }
  if (madeBy === undefined || fidelity === undefined || layout === undefined || test === undefined) {
    throw badSnapshot(file, 'its header is incomplete')
  }
  return {
    madeBy,
    fidelity: fidelity as Fidelity,
    layout,
    test: parseString(file, test),
    provenance: Object.fromEntries(provenance),
  }
}

function parseTokens(
  file: string,
  lines: readonly string[],
  rows: ReadonlyMap<string, Uint8Array>,
  { fidelity, format }: { fidelity: Fidelity; format: number },
): SnapshotToken[] {
  const tokens = lines.map((line): SnapshotToken => {
    const [, step, top1, logit, dtype, width, digest, layer] = TOKEN.exec(line) ?? []
    const isValid = step !== undefined && Number(top1) < Number(width) && itemSize(dtype as Dtype) > 0
    if (!isValid || !Number.isFinite(Number(logit))) throw badSnapshot(file, `it has the line '${printable(line)}'`)
    const token = {
      step: Number(step),
      dtype: dtype as Dtype,
      width: Number(width),
      top1: Number(top1),
      top1Logit: Number(logit),
      layer: parseString(file, layer!),
      digest: digest!,
    }
    if (fidelity === 'full') return token
    const row = rows.get(step!)
    const lineBytes = lineDigest(line, format)
    const isOfLine = row !== undefined && Buffer.compare(row.subarray(-lineBytes.length), lineBytes) === 0
    // The first rows of format 1 had no digest.
    const bytes = isOfLine || format > 1 ? row?.subarray(0, -lineBytes.length) : row
    const compact = bytes ? rowIn(bytes, token, format) : 'it is missing'
    if (typeof compact === 'string') throw badSnapshot(file, `the row of token ${step} is broken: ${compact}`)
    const isOther = format > 1 && !isOfLine
    if (isOther || compact.top1 !== token.top1 || compact.top1Logit !== token.top1Logit) {
      throw badSnapshot(file, `the line of token ${step} does not agree with its row`)
    }
    return { ...token, compact }
  })
  if (tokens.some((token, i) => i > 0 && token.step <= tokens[i - 1]!.step)) {
    throw badSnapshot(file, 'its tokens are not in order')
  }
  return tokens
}

function rowIn(bytes: Uint8Array, { width, top1, top1Logit }: SnapshotToken, format: number): CompactRow | string {
  return format < 3 ? decodeOldRow(bytes, width, format) : decodeRow(bytes, { count: width, top1, top1Logit })
}

function parseRest(file: string, lines: readonly string[]): { sources: SourceFile[]; rows: Map<string, Uint8Array> } {
  const sources: SourceFile[] = []
  const rows = new Map<string, Uint8Array>()
  for (const line of lines) {
    const [, step, digest, size, path] = SOURCE.exec(line) ?? []
    const [, of, bytes] = ROW.exec(line) ?? []
    if (step !== undefined) {
      sources.push({ step: Number(step), path: parseString(file, path!), size: Number(size), digest: digest! })
    } else if (of !== undefined) rows.set(of, Uint8Array.from(Buffer.from(bytes!, 'base64')))
    else throw badSnapshot(file, `it has the line '${printable(line)}'`)
  }
  return { sources, rows }
}

function parseString(file: string, json: string): string {
  try {
    return JSON.parse(json)
  } catch {
    throw badSnapshot(file, `it has the text ${printable(json)}`)
  }
}
