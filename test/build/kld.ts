/** A base file as llama-perplexity writes it (tools/perplexity/perplexity.cpp, log_softmax), from exact logits. */
export interface KldSpec {
  readonly contextLength: number
  readonly tokens: readonly number[]
  /** One row of logits after the other: chunks · (contextLength − 1 − ⌊contextLength / 2⌋). */
  readonly rows: readonly ArrayLike<number>[]
}

export function kldBytes({ contextLength, tokens, rows }: KldSpec): Uint8Array<ArrayBuffer> {
  const vocabSize = rows[0]!.length
  const chunks = tokens.length / contextLength
  const rowBytes = 2 * (2 * Math.ceil(vocabSize / 2) + 4)
  const start = 20 + 4 * tokens.length
  const bytes = new Uint8Array(start + rows.length * rowBytes)
  const view = new DataView(bytes.buffer)
  bytes.set(Buffer.from('_logits_', 'latin1'))
  for (const [i, value] of [contextLength, vocabSize, chunks].entries()) view.setInt32(8 + 4 * i, value, true)
  for (const [i, token] of tokens.entries()) view.setInt32(20 + 4 * i, token, true)
  for (const [i, row] of rows.entries()) writeRow(view, start + i * rowBytes, Float32Array.from(row))
  return bytes
}

function writeRow(view: DataView, at: number, logits: Float32Array): void {
  const f = Math.fround
  const max = Math.max(...logits)
  const min = f(Math.max(Math.min(...logits), f(max - 16)))
  const sum = logits.reduce((total, logit) => total + f(Math.exp(f(logit - max))), 0)
  const lowest = f(f(min - max) - f(Math.log(sum)))
  const scale = f(f(max - min) / 65535)
  view.setFloat32(at, scale, true)
  view.setFloat32(at + 4, lowest, true)
  if (scale === 0) return
  const inverse = f(1 / scale)
  for (const [i, logit] of logits.entries()) {
    view.setUint16(at + 8 + 2 * i, logit > min ? Math.round(f(inverse * f(logit - min))) : 0, true)
  }
}
