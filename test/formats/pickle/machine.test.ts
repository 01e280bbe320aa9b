import { describe, expect, test } from 'vitest'
import {
  bytesOf,
  call,
  dict,
  float,
  get,
  global,
  int,
  list,
  long,
  OP,
  type Part,
  pickle,
  put,
  stackGlobal,
  storage,
  tensor,
  text,
  tuple,
} from '../build/pickle.js'
import { expectRefused, readAll } from '../build/refusal.js'
import { torchZip } from '../build/zip.js'

const refused = (part: Part, what: string) =>
  expectRefused(torchZip(pickle(part)), 'malformed-pickle', `malformed pickle: ${what}`)

describe('the stack', () => {
  test.each<[string, Part, string]>([
    ['nothing left at STOP', bytesOf(), '0 values left at its end, expected 1'],
    ['two values left at STOP', bytesOf(tensor(), OP.NONE), '2 values left at its end, expected 1'],
    ['a MARK open at STOP', bytesOf(OP.MARK, tensor()), '1 MARKs open at its end'],
    ['TUPLE1 of nothing', bytesOf(OP.TUPLE1), 'it takes a value from an empty stack'],
    ['TUPLE3 of two', bytesOf(int(1), int(2), OP.TUPLE3), 'it takes a value from an empty stack'],
    ['TUPLE2 that reaches below a MARK', bytesOf(int(1), OP.MARK, int(2), OP.TUPLE2), 'it takes a value from an empty'],
    ['TUPLE without a MARK', bytesOf(int(1), OP.TUPLE), 'it takes the values above a MARK, but no MARK is open'],
    ['APPENDS without a MARK', bytesOf(OP.EMPTY_LIST, int(1), OP.APPENDS), 'it takes the values above a MARK'],
    ['SETITEMS without a MARK', bytesOf(OP.EMPTY_DICT, OP.SETITEMS), 'it takes the values above a MARK'],
    ['BUILD of nothing', bytesOf(OP.BUILD), 'it takes a value from an empty stack'],
    ['REDUCE of nothing', bytesOf(OP.REDUCE), 'it takes a value from an empty stack'],
    ['REDUCE of one', bytesOf(OP.EMPTY_TUPLE, OP.REDUCE), 'it takes a value from an empty stack'],
    ['BINPERSID of nothing', bytesOf(OP.BINPERSID), 'it takes a value from an empty stack'],
    ['STACK_GLOBAL of one', bytesOf(text('torch'), OP.STACK_GLOBAL), 'it takes a value from an empty stack'],
    ['BINPUT of nothing', bytesOf(put(0)), 'it takes a value from an empty stack'],
    ['MEMOIZE of nothing', bytesOf(OP.MEMOIZE), 'it takes a value from an empty stack'],
    ['BINPUT that reaches below a MARK', bytesOf(int(1), OP.MARK, put(0)), 'it takes a value from an empty stack'],
    ['APPENDS whose list lies below a second MARK', bytesOf(OP.EMPTY_LIST, OP.MARK, OP.MARK, OP.APPENDS), 'it takes a'],
  ])('%s', (_, part, what) => {
    refused(part, what)
  })
})

describe('the memo', () => {
  test('an index that was never set is refused', () => {
    refused(get(0), 'it reads memo 0, which was never set')
    refused(bytesOf(int(1), put(1), get(0)), 'it reads memo 0, which was never set')
    refused(get(70_000), 'it reads memo 70000, which was never set')
  })

  test('a value can be replaced', () => {
    const part = tuple(int(1), put(0), tensor(), put(0), get(0))
    expect(readAll(torchZip(pickle(part))).map(({ name }) => name)).toEqual(['1', '2'])
  })

  test('None can be memoized', () => {
    expect(readAll(torchZip(pickle(tuple(OP.NONE, put(3), get(3), tensor()))))).toHaveLength(1)
  })
})

/** Values of every kind, and their names in errors. */
const KINDS: readonly (readonly [string, Part])[] = [
  ['None', OP.NONE],
  ['a bool', OP.NEWTRUE],
  ['a number', int(1)],
  ['a float', float(1)],
  ['a str', text('x')],
  ['a tuple', OP.EMPTY_TUPLE],
  ['a list', OP.EMPTY_LIST],
  ['a dict', OP.EMPTY_DICT],
  ['an OrderedDict', call(global('collections', 'OrderedDict'), OP.EMPTY_TUPLE)],
  ['a global', global('torch', 'FloatStorage')],
  ['a storage', storage()],
  ['a tensor', tensor()],
  ['a device', call(global('torch', 'device'), tuple(text('cpu')))],
]

const others = (...names: readonly string[]) => KINDS.filter(([name]) => !names.includes(name))

describe('values of a wrong type are refused', () => {
  test.each(others('a list'))('APPEND to %s', (name, part) => {
    refused(bytesOf(part, int(1), OP.APPEND), `it appends to ${name}, expected a list`)
    refused(bytesOf(part, OP.MARK, int(1), OP.APPENDS), `it appends to ${name}, expected a list`)
  })

  test.each(others('a dict', 'an OrderedDict'))('SETITEM on %s', (name, part) => {
    refused(bytesOf(part, int(1), int(2), OP.SETITEM), `it sets items of ${name}, expected a dict`)
    refused(bytesOf(part, OP.MARK, OP.SETITEMS), `it sets items of ${name}, expected a dict`)
  })

  test.each(others('an OrderedDict'))('BUILD on %s', (name, part) => {
    refused(bytesOf(part, OP.EMPTY_DICT, OP.BUILD), `BUILD on ${name}, expected an OrderedDict`)
  })

  test.each(others('None', 'a bool', 'a number', 'a float', 'a str'))('%s as a key of a dict', (name, part) => {
    refused(dict(part, int(1)), `a dict key that is ${name}, expected a string or a number`)
  })

  test.each(others('a tuple'))('REDUCE with %s', (name, part) => {
    refused(call(global('torch', 'Size'), part), `it calls with ${name}, expected a tuple of arguments`)
  })

  test.each(others('a tuple'))('torch.Size of %s', (name, part) => {
    const what = `the argument of torch.Size is ${name}, expected a tuple`
    refused(call(global('torch', 'Size'), tuple(part)), what)
  })

  test.each(others('a tensor'))('a parameter of %s', (name, part) => {
    const parameter = call(global('torch._utils', '_rebuild_parameter'), tuple(part, OP.NEWTRUE, OP.NONE))
    refused(parameter, `a parameter of ${name}, expected a tensor`)
  })

  test('a key without a value', () => {
    refused(bytesOf(OP.EMPTY_DICT, OP.MARK, int(1), OP.SETITEMS), 'a key without a value')
  })
})

describe('calls with a wrong number of arguments are refused', () => {
  const REBUILDS: readonly [string, string, readonly number[]][] = [
    ['torch._utils', '_rebuild_tensor', [4]],
    ['torch._utils', '_rebuild_tensor_v2', [6, 7]],
    ['torch._utils', '_rebuild_parameter', [3]],
    ['torch_npu.utils.storage', '_rebuild_npu_tensor', [7]],
    ['collections', 'OrderedDict', [0]],
    ['torch', 'Size', [1]],
    ['torch._utils', '_rebuild_parameter_with_state', [4]],
    ['torch._tensor', '_rebuild_from_type_v2', [4]],
    ['builtins', 'set', [1]],
  ]
  const INERT: readonly [string, string, string, readonly number[]][] = [
    ['torch', 'device', 'a device', [1, 2]],
    ['torch.serialization', '_get_layout', 'a layout', [1]],
    ['_codecs', 'encode', 'bytes', [2]],
    ['__builtin__', 'complex', 'a complex number', [2]],
    ['numpy', 'dtype', 'a NumPy dtype', [3]],
    ['numpy._core.multiarray', 'scalar', 'a NumPy scalar', [2]],
    ['numpy.core.multiarray', 'scalar', 'a NumPy scalar', [2]],
  ]

  test.each(REBUILDS)('%s.%s', (module, name, allowed) => {
    for (let count = 0; count <= 9; count++) {
      if (allowed.includes(count)) continue
      const args = tuple(...Array.from({ length: count }, () => OP.NONE))
      const what = `${name.replace('Size', 'torch.Size')} with ${count} arguments, expected ${allowed.join(' or ')}`
      refused(call(global(module, name), args), what)
    }
  })

  test('all rebuild functions of torch give the same tensor', () => {
    const { v1, v2, metadata, npu, parameter, size } = {
      v1: tensor({ rebuild: global('torch._utils', '_rebuild_tensor'), more: [] }),
      v2: tensor({ rebuild: stackGlobal('torch._utils', '_rebuild_tensor_v2'), more: [OP.NEWTRUE, OP.NONE] }),
      metadata: tensor({ more: [OP.NEWFALSE, OP.NONE, OP.EMPTY_DICT] }),
      npu: tensor({
        rebuild: global('torch_npu.utils.storage', '_rebuild_npu_tensor'),
        more: [OP.NEWFALSE, OP.NONE, int(2)],
      }),
      parameter: call(global('torch._utils', '_rebuild_parameter'), tuple(tensor(), OP.NEWTRUE, OP.NONE)),
      size: tensor({
        size: call(global('torch', 'Size'), tuple(tuple(int(4)))),
        more: [OP.NEWFALSE, OP.NONE, OP.NONE],
      }),
    }
    for (const part of [v1, v2, metadata, npu, parameter, size]) {
      expect(readAll(torchZip(pickle(part)))).toEqual([{ name: '', values: [1, -2, 0.5, 8] }])
    }
  })

  test.each(others('a bool'))('a requires_grad that is %s', (name, part) => {
    const what = `a requires_grad that is ${name}, expected a bool`
    refused(tensor({ more: [part, OP.NONE] }), what)
    refused(call(global('torch._utils', '_rebuild_parameter'), tuple(tensor(), part, OP.NONE)), what)
  })

  test.each(INERT)('%s.%s makes %s, which is forgotten', (module, name, what, allowed) => {
    for (let count = 0; count <= 4; count++) {
      const made = call(global(module, name), tuple(...Array.from({ length: count }, () => OP.NONE)))
      if (!allowed.includes(count)) refused(made, `${what} with ${count} arguments, expected ${allowed.join(' or ')}`)
      else {
        expect(readAll(torchZip(pickle(list(made, tensor()))))).toEqual([{ name: '1', values: [1, -2, 0.5, 8] }])
        expectRefused(torchZip(pickle(made)), 'no-tensor', `holds ${what} without a tensor`)
      }
      // What it is made of is forgotten, so that it must not be a tensor, or hold one.
      for (const [kind, part] of [
        ['a tensor', tensor()],
        ['a list', list(tensor())],
        ['a dict', OP.EMPTY_DICT],
        ['a tuple', OP.EMPTY_TUPLE],
        ['a storage', storage()],
        ['a global', global('torch', 'Size')],
      ] as const) {
        const args = [part, ...Array.from({ length: allowed[0]! - 1 }, () => OP.NONE)]
        refused(call(global(module, name), tuple(...args)), `${what} of ${kind}`)
      }
    }
  })

  test('only the state of a NumPy dtype is dropped', () => {
    const dtype = call(global('numpy', 'dtype'), tuple(text('f4'), OP.NEWFALSE, OP.NEWTRUE))
    const built = bytesOf(dtype, tuple(int(3), text('<')), OP.BUILD)
    expect(readAll(torchZip(pickle(list(built, tensor()))))).toHaveLength(1)
    const device = call(global('torch', 'device'), tuple(text('cpu')))
    refused(bytesOf(device, OP.EMPTY_DICT, OP.BUILD), 'BUILD on a device, expected an OrderedDict')
  })

  test('a set is a list', () => {
    const set = call(global('builtins', 'set'), tuple(list(int(1), tensor())))
    expect(readAll(torchZip(pickle(set)))).toEqual([{ name: '1', values: [1, -2, 0.5, 8] }])
    refused(call(global('__builtin__', 'set'), tuple(OP.NONE)), 'a set of None, expected a list')
    refused(call(global('__builtin__', 'set'), tuple(tuple())), 'a set of a tuple, expected a list')
  })

  test('a tensor with attributes is rebuilt by a function of torch._utils, of a known type', () => {
    const fromType = (...args: readonly Part[]) =>
      call(global('torch._tensor', '_rebuild_from_type_v2'), tuple(...args))
    const v1 = global('torch._utils', '_rebuild_tensor')
    const inner = tuple(storage(), int(0), tuple(int(4)), tuple(int(1)))
    const type = global('torch', 'Tensor')
    expect(readAll(torchZip(pickle(fromType(v1, type, inner, OP.NONE))))[0]!.values).toEqual([1, -2, 0.5, 8])
    refused(fromType(v1, OP.NONE, inner, OP.NONE), 'a tensor of type None')
    refused(fromType(v1, v1, inner, OP.NONE), 'a tensor of type a global')
    refused(fromType(type, type, inner, OP.NONE), 'a tensor rebuilt by a global, expected a function of torch._utils')
    refused(fromType(int(1), type, inner, OP.NONE), 'a tensor rebuilt by a number')
    const itself = global('torch._tensor', '_rebuild_from_type_v2')
    refused(fromType(itself, type, tuple(v1, type, inner, OP.NONE), OP.NONE), 'a tensor rebuilt by a global')
    refused(fromType(v1, type, OP.NONE, OP.NONE), 'it calls with None, expected a tuple of arguments')
    refused(call(type, tuple()), 'it calls a type')
    const state = global('torch._utils', '_rebuild_parameter_with_state')
    expect(readAll(torchZip(pickle(call(state, tuple(tensor(), OP.NEWTRUE, OP.NONE, OP.EMPTY_DICT)))))).toHaveLength(1)
    refused(call(state, tuple(OP.NONE, OP.NEWTRUE, OP.NONE, OP.NONE)), 'a parameter of None, expected a tensor')
  })

  test.each(others('a number', 'a bool'))('an NPU format that is %s', (name, part) => {
    const rebuild = global('torch_npu.utils.storage', '_rebuild_npu_tensor')
    refused(tensor({ rebuild, more: [OP.NEWFALSE, OP.NONE, part] }), `an NPU format that is ${name}, expected a number`)
  })

  test.each(others('None', 'a dict', 'an OrderedDict'))('metadata that is %s', (_, part) => {
    const bytes = torchZip(pickle(tensor({ more: [OP.NEWFALSE, OP.NONE, part] })))
    expectRefused(bytes, 'bad-tensor', 'the tensor carries metadata')
  })

  test('metadata of a negated view is an error, since it changes the elements', () => {
    const bytes = torchZip(pickle(tensor({ more: [OP.NEWFALSE, OP.NONE, dict(text('neg'), OP.NEWTRUE)] })))
    expectRefused(bytes, 'bad-tensor', 'save it as logits.clone()')
  })
})

describe('BUILD', () => {
  test('the state of an OrderedDict is ignored', () => {
    const ordered = call(global('collections', 'OrderedDict'), OP.EMPTY_TUPLE)
    const state = dict(text('_metadata'), dict(text('then'), tensor()))
    const part = bytesOf(ordered, OP.MARK, text('logits'), tensor(), OP.SETITEMS, state, OP.BUILD)
    expect(readAll(torchZip(pickle(part))).map(({ name }) => name)).toEqual(['logits'])
  })
})

describe('objects without a tensor', () => {
  test.each(others('a tensor'))('%s', (name, part) => {
    const message = `holds ${name} without a tensor; expected the logits: torch.save(logits, path)`
    expectRefused(torchZip(pickle(part)), 'no-tensor', message)
  })

  test('containers without a tensor', () => {
    expectRefused(torchZip(pickle(list(dict(int(1), tuple()), OP.NONE))), 'no-tensor', 'holds a list without a tensor')
  })
})

test('names are paths through the containers, with keys as Python prints them', () => {
  const part = dict(
    ...[text('past'), tuple(tensor(), list(tensor()))],
    ...[int(7), tensor(), OP.NONE, tensor(), OP.NEWTRUE, tensor(), OP.NEWFALSE, tensor()],
    ...[float(2), tensor(), float(0.5), tensor(), float(Number.POSITIVE_INFINITY), tensor(), text('7'), tensor()],
  )
  const names = readAll(torchZip(pickle(part))).map(({ name }) => name)
  expect(names.slice(0, 7)).toEqual(['past.0', 'past.1.0', '7', 'None', 'True', 'False', '2.0'])
  expect(names.slice(7)).toEqual(['0.5', 'inf', '7'])
})

test('a key that is set again keeps its position and gets the new value', () => {
  const part = dict(text('a'), int(1), text('b'), tensor(), text('a'), tensor())
  expect(readAll(torchZip(pickle(part))).map(({ name }) => name)).toEqual(['a', 'b'])
})

test('1, 1.0 and True are the same key, as in Python: the first spelling, the last value', () => {
  const names = (...parts: Part[]) => readAll(torchZip(pickle(dict(...parts)))).map(({ name }) => name)
  expect(names(OP.NEWTRUE, int(7), int(1), tensor(), OP.NONE, tensor())).toEqual(['True', 'None'])
  expect(names(float(1), tensor(), OP.NEWTRUE, int(7), int(2), tensor())).toEqual(['2'])
  expect(names(float(-0), int(7), OP.NEWFALSE, tensor())).toEqual(['0.0'])
  expect(names(float(2 ** 60), int(7), long(2n ** 60n), tensor())).toEqual(['1152921504606846976.0'])
  expect(names(text('1'), tensor(), int(1), tensor(), text('None'), tensor(), OP.NONE, tensor())).toHaveLength(4)
})
