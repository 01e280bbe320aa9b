/** A file of the model debugger of Hugging Face: `LlamaForCausalLM.model.layers.0.mlp.up_proj_outputs.safetensors`. */
export interface DebuggerName {
  /** The class of the model. */
  readonly model: string
  /** `model.layers.0.mlp.up_proj`; `''` for the model itself. */
  readonly module: string
  readonly side: 'inputs' | 'outputs'
  /** `args_0`, `kwargs_hidden_states`, `logits`; `''` if the module returned one tensor. */
  readonly key: string
}

export function parseDebugger(name: string): DebuggerName | undefined {
  const match = /^([^.]+?)(?:\.(.+?))?_(inputs|outputs)(?:_(\w+))?\.safetensors$/.exec(name)
  if (!match) return undefined
  const [, model = '', module = '', side, key = ''] = match
  return { model, module, side: side as DebuggerName['side'], key }
}

/** The class of the model whose tree of calls a file holds: `LlamaForCausalLM_debug_tree_SUMMARY.json`. */
export function modelOfTree(name: string): string | undefined {
  return /^([^.]+)_debug_tree_(?:FULL_TENSORS|SUMMARY)\.json$/.exec(name)?.[1]
}

/** The file with the tree of calls, as far as the debugger did not prune it. */
export const treeName = (model: string) => `${model}_debug_tree_FULL_TENSORS.json`
