import { crypto } from '../lib/optional-packages.js'
import { encodeRow } from './compact/code.js'
import { FORMAT_VERSION, type Snapshot } from './types.js'

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
    ...snapshot.tokens.map(
      ({ step, top1, top1Logit, dtype, width, digest, layer }) =>
        `token ${step}  top1 ${top1}  logit ${top1Logit}  ${dtype} [${width}]  sha256 ${digest}  layer ${JSON.stringify(layer)}`,
    ),
  ]
  if (snapshot.sources.length > 0) lines.push('')
  for (const { step, path, size, digest } of snapshot.sources) {
    lines.push(`source ${step}  sha256 ${digest}  ${size} bytes  ${JSON.stringify(path)}`)
  }
  if (snapshot.fidelity === 'compact') lines.push('')
  for (const { step, compact } of snapshot.tokens) {
    if (compact) lines.push(`row ${step} ${Buffer.from(encodeRow(compact)).toString('base64')}`)
  }
  const text = `${lines.join('\n')}\n`
  return `${text}checksum ${checksum(text)}\n`
}

/** SHA-256 of the lines before it, with LF line ends. */
export function checksum(text: string): string {
  return crypto().createHash('sha256').update(text).digest('hex')
}
