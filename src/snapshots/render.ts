import { crypto } from '../lib/optional-packages.js'
import { encodeRow } from './compact/code.js'
import type { Snapshot } from './types.js'
import { FORMAT_VERSION } from './version.js'

/** Bytes of a golden's text file: some 60,000 compact tokens. */
export const MAX_TEXT = 128 * 2 ** 20

/** How the first line of a golden begins; its format version follows. */
export const MAGIC = 'golden-logits golden '

/**
 * A golden's text file: a header, one line for each token and for each file they came from, made for people who read a
 * diff, then the compact rows, and the checksum of all of it.
 */
export function renderSnapshot(golden: Omit<Snapshot, 'path'>): string {
  const lines = [
    `${MAGIC}${FORMAT_VERSION}`,
    `made-by golden-logits ${golden.madeBy}`,
    `fidelity ${golden.fidelity}`,
    `layout ${golden.layout}`,
    `test ${JSON.stringify(golden.test)}`,
    ...Object.entries(golden.provenance).map(([key, value]) => `with ${JSON.stringify(key)} ${JSON.stringify(value)}`),
    '',
    ...golden.tokens.map(
      ({ step, top1, top1Logit, dtype, width, digest, layer }) =>
        `token ${step}  top1 ${top1}  logit ${top1Logit}  ${dtype} [${width}]  sha256 ${digest}  layer ${JSON.stringify(layer)}`,
    ),
  ]
  if (golden.sources.length > 0) lines.push('')
  for (const { step, path, size, digest } of golden.sources) {
    lines.push(`source ${step}  sha256 ${digest}  ${size} bytes  ${JSON.stringify(path)}`)
  }
  if (golden.fidelity === 'compact') lines.push('')
  for (const { step, compact } of golden.tokens) {
    if (compact) lines.push(`row ${step} ${Buffer.from(encodeRow(compact)).toString('base64')}`)
  }
  const text = `${lines.join('\n')}\n`
  return `${text}checksum ${checksum(text)}\n`
}

/** SHA-256 of the lines before it, their ends as LF. */
export function checksum(text: string): string {
  return crypto().createHash('sha256').update(text).digest('hex')
}
