import { GoldenLogitsError, printable } from '../../errors.js'
import type { Dtype } from '../../tensor/dtype.js'
import type { Global } from './values.js'

const STORAGES: readonly (readonly [string, Dtype])[] = [
  ['DoubleStorage', 'float64'],
  ['FloatStorage', 'float32'],
  ['HalfStorage', 'float16'],
  ['BFloat16Storage', 'bfloat16'],
  ['LongStorage', 'int64'],
  ['IntStorage', 'int32'],
  ['ShortStorage', 'int16'],
  ['CharStorage', 'int8'],
  ['ByteStorage', 'uint8'],
  ['BoolStorage', 'bool'],
]

/** dtypes that may be values in a container: `{'dtype': torch.float16, …}`. */
const DTYPES = ['float64', 'float32', 'float16', 'bfloat16', 'int64', 'int32', 'int16', 'int8', 'uint8', 'bool']

/**
 * Every global that a pickle may name, by `module\nname`. A `Map`, since an object would also have `constructor`. The
 * values are descriptions, never functions.
 */
const ALLOWED: ReadonlyMap<string, Global> = new Map<string, Global>([
  ['torch._utils\n_rebuild_tensor_v2', { does: 'rebuild-tensor-v2' }],
  ['torch._utils\n_rebuild_tensor', { does: 'rebuild-tensor' }],
  ['torch._utils\n_rebuild_parameter', { does: 'rebuild-parameter' }],
  ['torch._utils\n_rebuild_parameter_with_state', { does: 'rebuild-parameter-with-state' }],
  ['torch._tensor\n_rebuild_from_type_v2', { does: 'rebuild-from-type' }],
  ['torch\nTensor', { does: 'type' }],
  ['torch.nn.parameter\nParameter', { does: 'type' }],
  ['torch.nn.parameter\nBuffer', { does: 'type' }],
  ['torch_npu.utils.storage\n_rebuild_npu_tensor', { does: 'rebuild-npu-tensor' }],
  ['collections\nOrderedDict', { does: 'ordered-dict' }],
  ['torch\nSize', { does: 'size' }],
  ['torch\ndevice', { does: 'inert', what: 'a device', arity: [1, 2] }],
  ['torch.serialization\n_get_layout', { does: 'inert', what: 'a layout', arity: [1] }],
  // Protocol 2 pickles bytes as an encoded string, and the built-ins under their name in Python 2.
  ['_codecs\nencode', { does: 'inert', what: 'bytes', arity: [2] }],
  ['__builtin__\ncomplex', { does: 'inert', what: 'a complex number', arity: [2] }],
  ['builtins\ncomplex', { does: 'inert', what: 'a complex number', arity: [2] }],
  ['__builtin__\nset', { does: 'set' }],
  ['builtins\nset', { does: 'set' }],
  ['numpy\ndtype', { does: 'inert', what: 'a NumPy dtype', arity: [3] }],
  ['numpy._core.multiarray\nscalar', { does: 'inert', what: 'a NumPy scalar', arity: [2] }],
  ['numpy.core.multiarray\nscalar', { does: 'inert', what: 'a NumPy scalar', arity: [2] }],
  ...DTYPES.map((name) => [`torch\n${name}`, { does: 'dtype' }] as const),
  ...STORAGES.map(([name, dtype]) => [`torch\n${name}`, { does: 'storage', dtype }] as const),
])

const [REAL, DEQUANTIZE, DENSE] = ['logits.real', 'logits.dequantize()', 'logits.to_dense()']

/** Globals of torch for tensors that this package does not read: how to name them in an error, and what to save in their place. */
const UNSUPPORTED: ReadonlyMap<string, readonly [what: string, save: string]> = new Map([
  ['torch\nComplexFloatStorage', ['of complex64', REAL]],
  ['torch\nComplexDoubleStorage', ['of complex128', REAL]],
  ['torch\nQInt8Storage', ['of qint8', DEQUANTIZE]],
  ['torch\nQUInt8Storage', ['of quint8', DEQUANTIZE]],
  ['torch\nQInt32Storage', ['of qint32', DEQUANTIZE]],
  ['torch\nQUInt4x2Storage', ['of quint4x2', DEQUANTIZE]],
  ['torch\nQUInt2x4Storage', ['of quint2x4', DEQUANTIZE]],
  ['torch._utils\n_rebuild_qtensor', ['of a quantised dtype', DEQUANTIZE]],
  ['torch._utils\n_rebuild_tensor_v3', ['of a dtype without a storage class (uint16, float8 …)', 'logits.float()']],
  ['torch._utils\n_rebuild_sparse_tensor', ['of a sparse layout', DENSE]],
  ['torch._utils\n_rebuild_nested_tensor', ['of a nested layout', 'each tensor of logits.unbind()']],
  [
    'torch._utils\n_rebuild_meta_tensor_no_storage',
    ['on the device meta, which has no data', 'the logits of a run on a real device'],
  ],
])

/**
 * @throws GoldenLogitsError `disallowed-global`, or `unsupported-dtype` for tensors that torch supports but this
 * package does not
 */
export function allowedGlobal(module: string, name: string, where: { file: string; offset: number }): Global {
  const key = `${module}\n${name}`
  const allowed = ALLOWED.get(key)
  if (allowed) return allowed
  const unsupported = UNSUPPORTED.get(key)
  if (unsupported) {
    const [what, save] = unsupported
    const message = `holds a tensor ${what}; expected float, integer or bool logits: save ${save}`
    throw new GoldenLogitsError('unsupported-dtype', message, where)
  }
  const global = printable(`${module}.${name}`)
  const message = `the pickle asks for '${global}', which a file of tensors does not need; nothing was run. ${adviceFor(key)}`
  throw new GoldenLogitsError('disallowed-global', message, where)
}

/** What to save in place of an object, by the name of its class. */
function adviceFor(key: string): string {
  if (/^numpy\._?core\.multiarray\n_reconstruct$/.test(key)) return SAVE_ARRAY
  if (key === 'torch.storage\n_load_from_bytes') return SAVE_BY_TORCH
  // What generate and the models of transformers return are instances of classes.
  if (/^transformers\.generation\..*Output$/s.test(key)) return SAVE_GENERATED
  if (/^transformers\..*Output(?:With\w*)?$/s.test(key)) return SAVE_OUTPUT
  return SAVE_TENSOR
}

const SAVE_TENSOR = 'If you trust the file, save only the tensor: torch.save(logits, path)'
const SAVE_ARRAY =
  'A NumPy array in a pickle is not read: save it by numpy.save(path, logits), or as a tensor: torch.from_numpy(logits)'
const SAVE_BY_TORCH = 'A tensor in a file of pickle.dump is not read: save it by torch.save(logits, path)'
const SAVE_GENERATED =
  "Save the tensors of the output in a plain dict: torch.save({'sequences': output.sequences, 'logits': output.logits}, path)"
const SAVE_OUTPUT = 'Save the tensor of the output: torch.save(output.logits, path)'
