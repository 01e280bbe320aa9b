// Modules nest by dots, `root.layers.0.self_attn.q_proj`; operations of ATB by slashes, `12_Layer/3_Linear`.

export interface Named {
  readonly name: string
  readonly type?: string | undefined
}

/** The projections of a decoder layer, by the names that models of this field share: tests for the last part of a name. */
export const QUERY = /^(?:q|wq|query|q_proj)$/i
export const KEY = /^(?:k|wk|key|k_proj)$/i
export const VALUE = /^(?:v|wv|value|v_proj)$/i
export const OUTPUT = /^(?:o|wo|o_proj|out_proj|dense|c_proj)$/i
export const GATE = /^(?:gate|w1|gate_proj)$/i
/** Beside a gate. */
export const UP = /^(?:up|w3|up_proj)$/i
export const DOWN = /^(?:down|w2|down_proj|fc2|c_proj|dense_4h_to_h)$/i

/** `root.layers.0.self_attn.` of `root.layers.0.self_attn.q_proj` */
export function parentOf(name: string): string {
  return name.slice(0, Math.max(name.lastIndexOf('.'), name.lastIndexOf('/')) + 1)
}

/** `q_proj` of `root.layers.0.self_attn.q_proj` */
export function lastPart(name: string): string {
  return name.slice(parentOf(name).length)
}

/** Is the first layer a part of the second? */
export function isWithin(inner: string, outer: string): boolean {
  return inner.startsWith(`${outer}.`) || inner.startsWith(`${outer}/`)
}

/** Is it inside a decoder layer, `root.layers.3.mlp`, or another operation, `12_Layer/3_Linear`? */
export function isInside(name: string): boolean {
  return name.includes('/') || /\.\d+\./.test(name)
}

/** Is this a name of an operation of ATB, `1_DecoderLayer/0_Linear`, and not of a module? */
export function isOperation(name: string): boolean {
  return name.includes('/') || /^\d{1,9}_/.test(name) || (!name.includes('.') && /_\d{1,9}$/.test(name))
}

export function isEmbedding({ name, type = '' }: Named): boolean {
  if (/rotary|rope/i.test(name)) return false
  const byName = /(embed_tokens|wte|word_?embeddings?|tok_embeddings|embed_in|embedding)$/i
  return byName.test(name) || /^(word)?embedding$/i.test(type)
}

/** A norm outside of the decoder layers. */
export function isOuterNorm({ name, type = '' }: Named): boolean {
  return !isInside(name) && /norm|^ln_f/i.test(`${lastPart(name)} ${type}`)
}

/**
 * The kind of a layer: its name without the numbers of layers. In `12_Layer/3_Linear`, the 3 is the place of an operation in
 * its layer.
 */
export function kindOf(name: string): string {
  const end = name.lastIndexOf('/')
  return end < 0 ? withoutNumbers(name) : withoutNumbers(name.slice(0, end)) + name.slice(end)
}

function withoutNumbers(name: string): string {
  return name.replaceAll(/(?<![^./_])\d+(?![^./_@])/g, '*')
}

const PARALLEL = [/(?:^|[./_])(?:q|k|v|query|key|value)(?:_proj|_lin)?$/i, /(?:^|[./_])(?:gate_proj|up_proj|w1|w3)$/i]

/** Projections of one input, which run side by side. */
export function areParallel(a: string, b: string): boolean {
  return parentOf(a) === parentOf(b) && PARALLEL.some((pattern) => pattern.test(a) && pattern.test(b))
}
