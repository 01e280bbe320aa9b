import { basename, join } from 'node:path'
import { GoldenLogitsError, printable } from '../../../errors.js'
import { tryListFolder } from '../../../io/folder.js'
import { type Note, warning } from '../../../lib/note.js'
import { tryRead } from '../../../lib/try-read.js'
import { ignoredAs } from '../../ignored-paths.js'
import { tensorsOf } from '../../steps-in-file.js'
import { idsIn } from '../../token-ids.js'
import type { LoadDumpOptions } from '../../types.js'
import { chosenNote, type LayoutScan, pickNamed, type ScanContext, type TreeLayout } from '../layout.js'
import { isHeadName } from '../names.js'
import { type DebuggerName, modelOfTree, parseDebugger } from './names.js'

/**
 * What `model_addition_debugger_context(use_repr=False)` of Hugging Face transformers writes: the inputs and outputs of modules in one
 * forward pass, a safetensors file each, and two trees of calls. Each forward pass replaces the files of the one before it.
 */
export const transformers: TreeLayout = {
  kind: 'tree',
  name: 'transformers',
  examples: ['{model}_debug_tree_FULL_TENSORS.json'],
  detect: (_, { series, others }) =>
    // Digits of a class (`Qwen2ForCausalLM`) make a series of its name.
    [...others, ...series.map((one) => one.at(0)!)].some(({ name }) => modelOfTree(name) !== undefined),
  scan: scanTransformers,
}

/** A file of the debugger. */
interface Value extends DebuggerName {
  readonly file: string
}

function scanTransformers(folder: string, context: ScanContext): LayoutScan {
  const { path, options, ignored } = context
  const { entries } = tryListFolder(folder)
  const models = [...new Set(entries.map(({ name }) => modelOfTree(name)).filter((model) => model !== undefined))]
  const model = pickNamed(models, (one) => [one], `holds ${models.length} models`, context)
  const notes = models.length > 1 ? [chosenNote('run', printable(model), models.length - 1)] : []
  const values: Value[] = []
  for (const { name, kind } of entries) {
    const value = kind === 'file' ? parseDebugger(name) : undefined
    if (value?.model === model) values.push({ ...value, file: join(folder, name) })
    else if (modelOfTree(name) !== model) ignored.add(join(folder, name), ignoredAs(kind, 'not part of a dump'))
  }
  if (values.length === 0) {
    const message =
      'holds texts of tensors and no tensors: dump again with model_addition_debugger_context(model, debug_path=…, use_repr=False)'
    throw new GoldenLogitsError('nothing-to-compare', message, { file: path })
  }
  if (typeof options.ranks === 'number' && options.ranks > 0) {
    const message = `the option ranks asks for rank ${options.ranks}, but the debugger writes rank 0 alone; leave it out`
    throw new GoldenLogitsError('invalid-argument', message, { file: path })
  }
  const { file, module } = pickLogits(values, context)
  const ids = inputIds(values, options)
  const step = options.firstStep ?? 0
  return {
    steps: [{ step, files: [file], layer: module }],
    notes: [...notes, ...passNotes(ids, options)],
    stepsAssumed: options.firstStep === undefined,
    // Of a later pass, the token is what the run chose.
    ...(ids &&
      ids.length > 1 && { tokenIds: new Map([['input_ids', ids]]), ids: { fed: new Map([['input_ids', ids]]) } }),
  }
}

/** The logits that the model returned, else the output of its only head, else of the module in the option `layer`. */
function pickLogits(values: readonly Value[], { path, options: { layer } }: ScanContext): Value {
  const outputs = values.filter(({ side }) => side === 'outputs')
  if (layer === undefined) {
    const returned = outputs.find(({ module, key }) => module === '' && key === 'logits')
    if (returned) return returned
  }
  const isWanted = ({ module, model }: Value) =>
    layer === undefined ? isHeadName(module) : module === layer || `${model}.${module}` === layer
  const found = outputs.filter((value) => /^0?$/.test(value.key) && isWanted(value))
  if (found.length === 1) return found[0]!
  const some = (found.length > 0 ? found : outputs)
    .slice(0, 4)
    .map(({ module, file }) => printable(module || basename(file), 60))
  const wanted = layer === undefined ? 'named like an LM head' : `named '${printable(layer, 60)}'`
  const message = `the model returned no logits, and ${found.length} modules with an output are ${wanted} (of ${outputs.length}: ${some.join(', ')}…); name the one that emits the logits with the option layer`
  throw new GoldenLogitsError('ambiguous-layer', message, { file: path })
}

/** The token ids that the model read. */
function inputIds(values: readonly Value[], options: LoadDumpOptions): readonly number[] | undefined {
  const inputs = values.filter(({ module, side }) => module === '' && side === 'inputs')
  const file = ['kwargs_input_ids', 'args_0'].map((key) => inputs.find((one) => one.key === key)?.file).find(Boolean)
  if (file === undefined) return undefined
  return tryRead(() => {
    const [tensor] = tensorsOf(file, options)
    return tensor && !/float/.test(tensor.dtype) ? idsIn(tensor, options.sequence) : undefined
  })
}

/** Under `generate` the last pass alone is left, which reads one token. */
function passNotes(ids: readonly number[] | undefined, { firstStep }: LoadDumpOptions): Note[] {
  if (ids?.length !== 1 || firstStep !== undefined) return []
  const text =
    'the debugger keeps the last forward pass alone, and this one read one token: its number in the run is not known, and taken for 0'
  return [warning(text, "set loadDump's option firstStep: 0, or the number of the token")]
}
