import { sha256 } from '../lib/optional-packages.js'
import { encodeRow } from './compact/code.js'
import { FORMAT_VERSION, type Snapshot, type SnapshotToken } from './types.js'

/** Bytes of a snapshot's text file: about 60,000 compact tokens. */
export const MAX_TEXT = 128 * 2 ** 20

/** The first line of a snapshot starts with this; the format version follows. */
export const MAGIC = 'golden-logits golden '

/**
 * A snapshot's text file: a header and one line per token and per source file, for people who read a diff; then the compact
 * rows, and the checksum of everything before it.
 */
export function renderSnapshot(snapshot: Omit<Snapshot, 'path'>): string {
  const lines = [
    `${MAGIC}${FORMAT_VERSION}`,
    `made-by golden-logits ${snapshot.madeBy}`,
    `fidelity ${snapshot.fidelity}`,
    `layout ${snapshot.layout}`,
    `test ${JSON.stringify(snapshot.test)}`,
    ...Object.entries(snapshot.provenance).map(
      ([key, value]) => `with ${JSON.stringify(key)} ${JSON.stringify(value)}`,
    ),
    '',
    ...snapshot.tokens.map(tokenLine),
  ]
  if (snapshot.sources.length > 0) lines.push('')
  for (const { step, path, size, digest } of snapshot.sources) {
    lines.push(`source ${step}  sha256 ${digest}  ${size} bytes  ${JSON.stringify(path)}`)
  }
  if (snapshot.fidelity === 'compact') lines.push('')
  for (const token of snapshot.tokens) {
    const { step, compact } = token
    if (!compact) continue
    const bytes = Buffer.concat([encodeRow(compact), lineDigest(tokenLine(token))])
    lines.push(`row ${step} ${bytes.toString('base64')}`)
  }
  const text = `${lines.join('\n')}\n`
  return `${text}checksum ${checksum(text)}\n`
}

function tokenLine({ step, top1, top1Logit, dtype, width, digest, layer }: SnapshotToken): string {
  return `token ${step}  top1 ${top1}  logit ${top1Logit}  ${dtype} [${width}]  sha256 ${digest}  layer ${JSON.stringify(layer)}`
}

/**
 * The first bytes of the SHA-256 of a token's line: 16 before format 3. They follow its compact row, so that no row serves another
 * line.
 */
export function lineDigest(line: string, format = FORMAT_VERSION): Uint8Array {
  return sha256(line).subarray(0, format < 3 ? 16 : 8)
}

/** SHA-256 of the lines before it, with LF line ends. */
export function checksum(text: string): string {
  return sha256(text).toString('hex')
}
