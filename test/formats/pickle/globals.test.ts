import { describe, expect, test } from 'vitest'
import {
  bytesOf,
  call,
  dict,
  get,
  global,
  int,
  OP,
  type Part,
  pickle,
  put,
  shortText,
  stackGlobal,
  tensor,
  text,
  tuple,
  utf8,
} from '../build/pickle.js'
import { expectRefused, readAll } from '../build/refusal.js'
import { torchZip } from '../build/zip.js'

/** Names by which pickles have run code in readers with a list of forbidden names. */
const GADGETS: readonly (readonly [string, string])[] = [
  ['os', 'system'],
  ['posix', 'system'],
  ['nt', 'system'],
  ['subprocess', 'Popen'],
  ['builtins', 'eval'],
  ['builtins', 'exec'],
  ['builtins', 'getattr'],
  ['builtins', '__import__'],
  ['__builtin__', 'eval'],
  ['importlib', 'import_module'],
  ['runpy', '_run_code'],
  ['pty', 'spawn'],
  ['socket', 'create_connection'],
  ['urllib.request', 'urlopen'],
  ['webbrowser', 'open'],
  ['shutil', 'rmtree'],
  ['pickle', 'loads'],
  ['_pickle', 'loads'],
  ['torch', 'load'],
  ['torch.jit', 'load'],
  ['torch.hub', 'load'],
  ['torch.serialization', 'load'],
  ['torch.storage', '_load_from_bytes'],
  ['torch._utils', '_rebuild_device_tensor_from_numpy'],
  ['torch._utils', '_import_dotted_name'],
  ['torch.utils.collect_env', 'run'],
  ['torch._inductor.codecache', 'compile_file'],
  ['torch.distributed.rpc', 'rpc_sync'],
  ['numpy', 'load'],
  ['operator', 'attrgetter'],
  ['operator', 'methodcaller'],
  ['functools', 'partial'],
  ['copyreg', '_reconstructor'],
  ['collections', 'defaultdict'],
  ['codecs', 'decode'],
  ['timeit', 'timeit'],
  ['cProfile', 'run'],
  ['ctypes', 'CDLL'],
  ['asyncio.unix_events', '_UnixSubprocessTransport._start'],
  ['transformers.modeling_outputs', 'CausalLMOutputWithPast'],
]

/** Names similar to allowed names, or of properties that every JavaScript object has. */
const NEAR_MISSES: readonly (readonly [string, string])[] = [
  ['torch', 'constructor'],
  ['torch', '__proto__'],
  ['constructor', 'constructor'],
  ['__proto__', '__proto__'],
  ['toString', 'toString'],
  ['hasOwnProperty', ''],
  ['', ''],
  ['torch', ''],
  ['', 'torch'],
  ['torch ', 'Size'],
  ['torch', ' Size'],
  ['torch', 'Size\0'],
  ['torch\0', 'Size'],
  ['torch', 'size'],
  ['Torch', 'Size'],
  ['torch.Size', ''],
  ['torch', 'Size.__class__'],
  ['torch._utils', '_rebuild_tensor_v2.__globals__'],
  ['torch._utils._rebuild_tensor_v2', ''],
  ['torch_npu.utils', 'storage._rebuild_npu_tensor'],
  ['torch', 'storage'],
  ['torch', 'FloatStorage '],
  ['torch\u200b', 'Size'],
  ['ｔorch', 'Size'],
  ['torch.cuda', 'FloatStorage'],
]

describe.each([
  ['GLOBAL', global],
  ['STACK_GLOBAL', stackGlobal],
])('%s', (_, named) => {
  test.each([...GADGETS, ...NEAR_MISSES])('of %j %j is refused before it is used', (module, name) => {
    const bytes = torchZip(pickle(named(module, name), tuple(text('id')), OP.REDUCE))
    const error = expectRefused(bytes, 'disallowed-global', 'which a file of tensors does not need')
    expect(error.message).toContain('nothing was run')
    expect(error.message).toMatch(/torch\.save\((?:output\.)?logits, path\)$/)
  })
})

test('a name with newlines, colours or many bytes is escaped and shortened', () => {
  const wild = `x\u001b[31m\u202e\r${'y'.repeat(200)}`
  const error = expectRefused(
    torchZip(pickle(stackGlobal(wild, 'z'))),
    'disallowed-global',
    "'x\\x1b[31m\\u202e\\x0dyyy",
  )
  expect(/asks for '(.*?)'/.exec(error.message)![1]!.length).toBeLessThanOrEqual(80)
})

test.each<[string, Part]>([
  ['two numbers', bytesOf(int(1), int(2), OP.STACK_GLOBAL)],
  ['a text and a tuple', bytesOf(text('torch'), OP.EMPTY_TUPLE, OP.STACK_GLOBAL)],
  ['None and a text', bytesOf(OP.NONE, text('Size'), OP.STACK_GLOBAL)],
])('STACK_GLOBAL expects two strings, not %s', (_, part) => {
  expectRefused(torchZip(pickle(part)), 'malformed-pickle', 'STACK_GLOBAL of')
})

test('a memoized string can be a name', () => {
  const part = bytesOf(shortText('os'), put(0), shortText('torch'), get(0), OP.STACK_GLOBAL)
  expectRefused(torchZip(pickle(part)), 'disallowed-global', "'torch.os'")
})

test.each([
  ['torch', 'ComplexFloatStorage', 'of complex64', 'save logits.real'],
  ['torch', 'ComplexDoubleStorage', 'of complex128', 'save logits.real'],
  ['torch', 'QInt8Storage', 'of qint8', 'save logits.dequantize()'],
  ['torch', 'QUInt8Storage', 'of quint8', 'save logits.dequantize()'],
  ['torch', 'QInt32Storage', 'of qint32', 'save logits.dequantize()'],
  ['torch', 'QUInt4x2Storage', 'of quint4x2', 'save logits.dequantize()'],
  ['torch', 'QUInt2x4Storage', 'of quint2x4', 'save logits.dequantize()'],
  ['torch._utils', '_rebuild_qtensor', 'of a quantised dtype', 'save logits.dequantize()'],
  ['torch._utils', '_rebuild_tensor_v3', 'of a dtype without a storage class', 'save logits.float()'],
  ['torch._utils', '_rebuild_sparse_tensor', 'of a sparse layout', 'save logits.to_dense()'],
  ['torch._utils', '_rebuild_nested_tensor', 'of a nested layout', 'save each tensor of logits.unbind()'],
  [
    'torch._utils',
    '_rebuild_meta_tensor_no_storage',
    'on the device meta, which has no data',
    'save the logits of a run',
  ],
])('%s.%s is not supported', (module, name, what, save) => {
  const error = expectRefused(torchZip(pickle(global(module, name))), 'unsupported-dtype', `holds a tensor ${what}`)
  expect(error.message).toContain(`expected float, integer or bool logits: ${save}`)
})

test('a pickle inside a string is a string', () => {
  const inner = String.fromCharCode(
    ...pickle(global('os', 'system'), tuple(text('id')), OP.REDUCE).map((b) => b & 0x7f),
  )
  expect(readAll(torchZip(pickle(dict(text('code'), text(inner), text('logits'), tensor()))))).toEqual([
    { name: 'logits', values: [1, -2, 0.5, 8] },
  ])
})

test('names of inherited object properties are ordinary keys, and no prototype is changed', () => {
  const keys = ['__proto__', 'constructor', 'then', 'toString', 'prototype', 'hasOwnProperty']
  const found = readAll(torchZip(pickle(dict(...keys.flatMap((key) => [text(key), tensor()])))))
  expect(found.map(({ name }) => name)).toEqual(keys)
  expect(Object.hasOwn(found, 'then')).toBe(false)
  const polluted = pickle(dict(text('__proto__'), dict(text('polluted'), tensor())))
  expect(readAll(torchZip(polluted)).map(({ name }) => name)).toEqual(['__proto__.polluted'])
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
})

test.each([
  ['a storage class', global('torch', 'FloatStorage'), 'it calls a storage class'],
  ['a dtype', global('torch', 'float16'), 'it calls a dtype'],
  ['a text', text('os.system'), 'it calls a str'],
  ['None', bytesOf(OP.NONE), 'it calls None'],
  ['a tuple', bytesOf(OP.EMPTY_TUPLE), 'it calls a tuple'],
  ['a tensor', tensor(), 'it calls a tensor'],
])('a call of %s is refused', (_, callee, what) => {
  expectRefused(torchZip(pickle(call(callee, tuple()))), 'malformed-pickle', `malformed pickle: ${what}`)
})

test('GLOBAL reads two lines of at most 1 KiB together', () => {
  const message = 'bytes of a name in the pickle: 1025 is over the budget pickleGlobal of 1024'
  const first = pickle(OP.GLOBAL, utf8('x'.repeat(3000)))
  expect(expectRefused(torchZip(first), 'limit-exceeded', message).budget).toBe('pickleGlobal')
  const second = pickle(OP.GLOBAL, utf8(`${'x'.repeat(1000)}\n${'y'.repeat(25)}\n`), OP.EMPTY_TUPLE)
  expectRefused(torchZip(second), 'limit-exceeded', message)
  const longest = pickle(OP.GLOBAL, utf8(`${'x'.repeat(1000)}\n${'y'.repeat(24)}\n`))
  expectRefused(torchZip(longest), 'disallowed-global', 'xxx.yyy'.slice(0, 3))
  expectRefused(torchZip(pickle(tensor())), 'limit-exceeded', 'over the budget pickleGlobal of 10', {
    pickleGlobal: 10,
  })
})

test('a NumPy array in a pickle is refused with what to do', () => {
  for (const module of ['numpy.core.multiarray', 'numpy._core.multiarray']) {
    const bytes = torchZip(pickle(call(global(module, '_reconstruct'), tuple())))
    const error = expectRefused(bytes, 'disallowed-global', 'save it by numpy.save(path, logits), or as a tensor')
    expect(error.message).toContain('nothing was run')
  }
})

test.each([
  [
    'transformers.generation.utils',
    'GenerateDecoderOnlyOutput',
    "torch.save({'sequences': output.sequences, 'logits': output.logits}, path)",
  ],
  ['transformers.modeling_outputs', 'CausalLMOutput', 'Save the tensor of the output: torch.save(output.logits, path)'],
  [
    'torch.storage',
    '_load_from_bytes',
    'A tensor in a file of pickle.dump is not read: save it by torch.save(logits, path)',
  ],
  ['transformers.cache_utils', 'DynamicCache', 'If you trust the file, save only the tensor: torch.save(logits, path)'],
])('the advice for %s.%s says what to save', (module, name, advice) => {
  const error = expectRefused(torchZip(pickle(global(module, name))), 'disallowed-global', `${module}.${name}`)
  expect(error.message.endsWith(advice)).toBe(true)
})
