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

/** Globals of torch for dtypes and layouts that this package does not read, and how to name them in an error. */
const UNSUPPORTED: ReadonlyMap<string, string> = new Map([
  ['torch\nComplexFloatStorage', 'complex64'],
  ['torch\nComplexDoubleStorage', 'complex128'],
  ['torch\nQInt8Storage', 'qint8'],
  ['torch\nQUInt8Storage', 'quint8'],
  ['torch\nQInt32Storage', 'qint32'],
  ['torch\nQUInt4x2Storage', 'quint4x2'],
  ['torch\nQUInt2x4Storage', 'quint2x4'],
  ['torch._utils\n_rebuild_qtensor', 'a quantised dtype'],
  ['torch._utils\n_rebuild_tensor_v3', 'a dtype without a storage class (uint16, float8 …)'],
  ['torch._utils\n_rebuild_sparse_tensor', 'a sparse layout'],
  ['torch._utils\n_rebuild_nested_tensor', 'a nested layout'],
  ['torch._utils\n_rebuild_meta_tensor_no_storage', 'a meta tensor without data'],
])

/**
 * @throws GoldenLogitsError `disallowed-global`, or `unsupported-dtype` for tensors that torch supports but this
 * package does not
 */
export function allowedGlobal(module: string, name: string, where: { file: string; offset: number }): Global {
  const key = `${module}\n${name}`
  const allowed = ALLOWED.get(key)
  if (allowed) return allowed
  const dtype = UNSUPPORTED.get(key)
  if (dtype !== undefined) {
    const advice = 'expected float, integer or bool logits: save them as logits.float()'
    throw new GoldenLogitsError('unsupported-dtype', `holds a tensor of ${dtype}; ${advice}`, where)
  }
  const global = printable(`${module}.${name}`)
  const isArray = /^numpy\._?core\.multiarray\n_reconstruct$/.test(key)
  const message = `the pickle asks for '${global}', which a file of tensors does not need; nothing was run. ${isArray ? SAVE_ARRAY : SAVE_TENSOR}`
  throw new GoldenLogitsError('disallowed-global', message, where)
}

const SAVE_TENSOR = 'If you trust the file, save only the tensor: torch.save(logits, path)'
const SAVE_ARRAY =
  'A NumPy array in a pickle is not read: save it by numpy.save(path, logits), or as a tensor: torch.from_numpy(logits)'
