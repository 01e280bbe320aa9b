/**
 * The order in which modules end inside their parent, by the names that models of this field share. A module tree lists modules in the
 * order of their declaration: the norms of a decoder layer often come last there, and run first.
 */
const ROLES: readonly RegExp[] = [
  /embed|wte|wpe|word_emb|tok_emb/i,
  /rotary|rope/i,
  /^(input_layernorm|ln_?1|attention_norm|norm1|attn_norm)$/i,
  /^(q_a_proj|q_a_layernorm|q_b_proj|kv_a_proj.*|kv_b_proj)$/i,
  /^(q|wq|query|q_proj|qkv|qkv_proj|c_attn|query_key_value|W_pack)$/i,
  /^(k|wk|key|k_proj)$/i,
  /^(v|wv|value|v_proj)$/i,
  /^(q_norm|k_norm)$/i,
  /^(o|wo|o_proj|out_proj|dense|c_proj)$/i,
  /^(?!post_).*(attn|attention)/i,
  /^(post_attention_layernorm|ln_?2|ffn_norm|norm2|pre_feedforward_layernorm)$/i,
  /^(gate|router)$/i,
  /^(gate_proj|gate_up_proj|w1|fc1|c_fc|up_gate_proj)$/i,
  /^act/i,
  /^(up_proj|w3)$/i,
  /^(down_proj|w2|fc2)$/i,
  /^experts?$/i,
  /mlp|feed_forward|ffn|moe/i,
  /^(post_feedforward_layernorm)$/i,
  /^(layers|h|blocks|block)$/i,
  /^(norm|ln_f|final_layernorm|final_norm)$/i,
  /lm_?head|output_layer|embed_out/i,
]

/** Compares two module names by when they end: numbers in numeric order, a container after what it contains. */
export function byRole(a: string, b: string): number {
  const [left, right] = [a.split('.'), b.split('.')]
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (left[i] === right[i]) continue
    return comparePart(left[i]!, right[i]!)
  }
  return right.length - left.length
}

function comparePart(a: string, b: string): number {
  const isNumber = (text: string) => /^\d{1,9}$/.test(text)
  if (isNumber(a) && isNumber(b)) return Number(a) - Number(b)
  return roleOf(a) - roleOf(b) || (a < b ? -1 : 1)
}

/** A name without a role is between the attention and the final norm. */
function roleOf(part: string): number {
  const index = ROLES.findIndex((role) => role.test(part.replace(/@\d+$/, '')))
  return index < 0 ? ROLES.length - 3.5 : index
}
