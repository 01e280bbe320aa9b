import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadDump } from '../../src/dumps/load.js'
import type { LoadDumpOptions } from '../../src/dumps/types.js'
import { GoldenLogitsError } from '../../src/errors.js'
import { writeTree } from '../build/tree.js'
import { bin } from '../formats/build/bin.js'
import { int, pickle } from '../formats/build/pickle.js'
import { expectRefusal, refusalOf } from '../formats/build/refusal.js'
import { FOUR, torchZip } from '../formats/build/zip.js'

const ANSWER =
  '{"choices":[{"index":0,"logprobs":{"content":[{"id":56,"logprob":-1.25,"top_logprobs":[{"id":56,"logprob":-1.25},{"id":7,"logprob":-2.5}]}]}}]}'
const PROMPT = '{"prompt":"a","tokens":[1,2],"logits":[[1.5,2.5],[3.5,4.5]]}\n'
const EXPECTED = 'expected msit_dump_*/torch_tensors/{device}_{PID}/{TID}/{layer}/output.pth or msit_dump_*'

describe('a path without a dump', () => {
  test('an empty folder', () => {
    const root = writeTree({ empty: null })
    const path = join(root, 'empty')
    expectRefusal(() => loadDump(path), 'nothing-to-compare', `no dump here (it is empty); ${EXPECTED}`, path)
  })

  test('a folder with other files', () => {
    const root = writeTree({ 'a.txt': '', 'b.txt': '', 'c/d': '', 'd.txt': '', 'model.safetensors': '' })
    const text =
      'no dump here (found a.txt: not part of a dump, b.txt: not part of a dump, c: not part of a dump and 2 more)'
    expectRefusal(() => loadDump(root), 'nothing-to-compare', text, root)
  })

  test('a folder whose subfolder contains a dump', () => {
    const root = writeTree({ 'gpu/msit_dump_x/torch_tensors/cuda0_1/0/lm_head/output.pth': '', 'other/x': '' })
    expectRefusal(() => loadDump(root), 'nothing-to-compare', '; there is a dump in gpu: name that one', root)
  })

  test('device folders without steps', () => {
    const root = writeTree({ 'tensors/0_1': null })
    const text = 'no dump here (found 0_1: a device folder without any step)'
    expectRefusal(() => loadDump(root), 'nothing-to-compare', text, root)
  })

  test('a path that does not exist', () => {
    const path = join(writeTree({}), 'nope')
    expectRefusal(() => loadDump(path), 'file-not-found', 'there is no such file or folder', path)
    const braces = `${path} {copy} (1)`
    expectRefusal(() => loadDump(braces), 'file-not-found', 'there is no such file or folder', braces)
  })

  test('a pattern that matches nothing', () => {
    const path = join(writeTree({}), 'msit_dump_*')
    expectRefusal(() => loadDump(path), 'nothing-to-compare', 'the pattern matches no file or folder', path)
  })

  test.skipIf(process.platform === 'win32')('a device', () => {
    const text = 'is a device, a pipe or a socket, expected a file or a folder'
    expectRefusal(() => loadDump('/dev/null'), 'not-a-regular-file', text, '/dev/null')
  })

  test.skipIf(process.platform === 'win32')('a link to itself', () => {
    const path = join(writeTree({}), 'loop')
    symlinkSync('loop', path)
    expectRefusal(() => loadDump(path), 'read-failed', 'cannot list the folder (ELOOP): its links form a circle', path)
  })

  test('several files whose steps are unknown', () => {
    const root = writeTree({ 'a.pth': '', 'b.pth': '' })
    const path = join(root, '*.pth')
    const text =
      '2 files (a.pth, b.pth…) in no known layout, so their steps are unknown; if each file is one step, number them: rename a.pth to a_0.pth; to compare one file, name it'
    expectRefusal(() => loadDump(path), 'ambiguous-run', text, path)
  })
})

describe('a folder of files in no known layout', () => {
  const LAYOUTS = [
    'torch_tensors/{device}',
    '/tensors/{device}',
    'atb_dump_data/data/',
    'logits_{task}_{case}_{step}.pth',
  ]

  test.each<[string, string, string]>([
    ['scores.pth', '', 'number them: rename scores.pth to scores_0.pth; to compare one file, name it'],
    ['scores.npy', '', 'rename scores.npy to scores_0.npy; to compare one file, name it'],
    ['outtensor0.bin', '', 'to compare one file, name it: outtensor0.bin'],
    ['test_data_set_0/output_0.pb', '', 'test_data_set_0: not part of a dump'],
    ['output_0.pb', '', 'rename output_0.pb to logits_0.pb; to compare one file, name it'],
    ['x.h5', '', "h5py.File('x.h5')['logits']"],
    [
      'answer.json',
      ANSWER,
      "to compare a server's answers, name the file itself: answer.json; several files become one by",
    ],
    ['golden.jsonl', PROMPT, 'to compare the prompts of a file, name the file itself: golden.jsonl'],
    ['numbers.json', '[[1.5]]', 'lists of numbers are not read'],
    ['dump.json', '{}', 'name a file in its dump_tensor_data/ (if there is none, dump with "task": "tensor")'],
    [
      'atb_dump_data/data/0_7/0/33_LmHead/statistic.csv',
      '',
      'statistics hold no logits; dump again with tensors (torch: DumpConfig(dump_last_logits=True); ATB: msit llm dump --type model tensor; msprobe: "task": "tensor")',
    ],
  ])('%s', (name, content, text) => {
    const root = writeTree({ [name]: content })
    const error = expectRefusal(() => loadDump(root), 'nothing-to-compare', text, root)
    for (const layout of LAYOUTS) expect(error.message).toContain(layout)
  })

  test('a file that is a dump by itself, beside others, and by a pattern', () => {
    const root = writeTree({ 'a.json': ANSWER, 'b.json': ANSWER })
    const text = "to compare a server's answers, name the file itself: a.json"
    expectRefusal(() => loadDump(join(root, '*.json')), 'ambiguous-run', text, join(root, '*.json'))
    expect(loadDump(join(root, 'a.json'))).toMatchObject({ layout: 'answers' })
  })

  test('the name that the message proposes is a dump', () => {
    const root = writeTree({ 'logits_run_0_0.pth': '' })
    expect(loadDump(root)).toMatchObject({ layout: 'flat', notes: [] })
  })

  test('torch statistics in every step are refused, in some steps they are unreadable', () => {
    const root = writeTree({ 'cuda0_1/0/lm_head/statistics.csv': '', 'cuda0_1/1/lm_head/statistics.csv': '' })
    const path = join(root, 'cuda0_1')
    const text =
      'its layers hold tables of statistics and no output.pth: statistics hold no logits; dump again with tensors'
    expectRefusal(() => loadDump(path), 'nothing-to-compare', text, path)
    const mixed = writeTree({ 'cuda0_1/0/lm_head/statistics.csv': '', 'cuda0_1/1/lm_head/output.pth': '' })
    expect(loadDump(mixed).steps.at(0)!.problem).toContain('(found statistics.csv): statistics hold no logits')
  })

  test('ATB statistics likewise', () => {
    const table = (tid: number) => `0_1/${tid}/33_LmHead/after/statistic.csv`
    const root = join(writeTree({ [table(0)]: 'max\n', [table(1)]: 'max\n' }), '0_1')
    const text =
      'its layers hold tables of statistics and no after/outtensor0.bin: statistics hold no logits; dump again with tensors'
    expectRefusal(() => loadDump(root), 'nothing-to-compare', text, root)
    const mixed = loadDump(writeTree({ [table(0)]: 'max\n', '0_1/1/33_LmHead/after/outtensor0.bin': '' }))
    expect(mixed.steps.at(0)!.problem).toContain('(found after/statistic.csv): statistics hold no logits; dump again')
    expect(mixed.steps.at(1)!.problem).toBeUndefined()
  })
})

describe('a file that is no tensor is refused at once', () => {
  test.each<[string, string | Uint8Array, string]>([
    ['x.h5', '\x89HDF\r\n', "torch.from_numpy(h5py.File('x.h5')['logits'][()])"],
    ['x.parquet', 'PAR1', "torch.tensor(pandas.read_parquet('x.parquet').to_numpy())"],
    ['x.raw', '\0\0\0\0', "numpy.fromfile('x.raw', 'float32').reshape(1, -1)), 'x.pth')"],
    ['x.onnx', '', 'it is a model; run it and save its logits by torch.save'],
    ['x.gguf', 'GGUF', 'it holds weights'],
    ['x.kld', 'no such bytes', 'a base file of llama-perplexity begins with _logits_'],
    ['dump.json', '{"a=b": 1}', 'a dump.json of msprobe only lists tensors'],
    ['x.json', '[[1.5]]', 'it is text; lists of numbers are not read: save the logits as a tensor by torch.save'],
    ['x.txt', 'a text', 'it is text; save the logits as a tensor by torch.save'],
    ['statistics.csv', 'max,min', 'it is a table; statistics hold no logits; dump again with tensors'],
    ['settings', 'seed=1\n', 'an ONNX tensor (.pb); expected msit_dump_*'],
    ['x.png', '\x89PNG', 'an ONNX tensor (.pb); expected msit_dump_*'],
    ['empty', '', 'is no dump and none of these'],
  ])('%s', (name, content, text) => {
    const root = writeTree({ [name]: Buffer.from(content as string, 'latin1') })
    const error = expectRefusal(() => loadDump(join(root, name)), 'unsupported-format', text, join(root, name))
    for (const part of ['atb_dump_data/data/', 'logits_{task}_{case}_{step}.pth']) expect(error.message).toContain(part)
  })

  test.each<[string, Uint8Array]>([
    ['x.ckpt', torchZip(pickle(int(1)))],
    ['x.txt', torchZip(pickle(int(1)))],
    ['outtensor0', bin({}, FOUR)],
    // Not opened here: if the content is damaged, the token is unreadable.
    ['damaged.pth', Buffer.from('no tensor')],
    ['damaged.PT', Buffer.from('')],
    ['damaged.bin', Buffer.from('no tensor')],
    ['damaged.pb', Buffer.from('no tensor')],
  ])('%s is a dump of one step', (name, content) => {
    const root = writeTree({ [name]: content })
    expect(loadDump(join(root, name))).toMatchObject({ layout: 'file', steps: { length: 1 } })
  })

  test('a file of a run that is no tensor', () => {
    const root = writeTree({ 'cuda0_1/model_tree.json': '{}', 'cuda0_1/0/lm_head/output.pth': '' })
    const path = join(root, 'cuda0_1/model_tree.json')
    expectRefusal(
      () => loadDump(path),
      'unsupported-format',
      'is no dump and none of these: a NumPy archive (.npz), a file of torch.save (.pth, .pt), ',
      path,
    )
  })

  test('a long path leaves a message of one line', () => {
    const name = `${'x'.repeat(240)}.h5`
    const root = writeTree({ [name]: '' })
    const path = join(root, name)
    expectRefusal(() => loadDump(path), 'unsupported-format', 'convert it in Python', path)
  })
})

test('control characters of a path are escaped', () => {
  const name = `x\n\u001b[31m\u202e${'y'.repeat(200)}`
  const root = writeTree({ [name]: null })
  const error = refusalOf(() => loadDump(join(root, name)))
  expect(error.message).toContain('x\\x0a\\x1b[31m\\u202eyyy')
  expect(error.message).not.toMatch(/[\n\u001b\u202e]/)
})

describe('invalid arguments of loadDump', () => {
  test.each<[unknown, unknown, string]>([
    ['', {}, "loadDump needs the path of a dump or a glob pattern, got ''"],
    [undefined, {}, 'loadDump needs the path of a dump or a glob pattern, got undefined'],
    [null, {}, 'loadDump needs the path of a dump or a glob pattern, got null'],
    [new Date(0), {}, 'loadDump needs the path of a dump or a glob pattern, got an object'],
    [
      new URL('https://host/x'),
      {},
      "the URL 'https://host/x' names no file of this machine, expected a URL with file:///",
    ],
    [new URL('file:///a%2Fb'), {}, "the URL 'file:///a%2Fb' names no file of this machine"],
    ['file:///x', {}, "'file:///x' is the text of a URL, expected a path or a URL object: new URL(…)"],
    ['x', null, "loadDump's options must be an object such as { firstStep: 1 }, got null"],
    ['x', 'latest', "loadDump's options must be an object such as { firstStep: 1 }, got 'latest'"],
    [
      'x',
      { step: 1 },
      "there is no option 'step'; there are run, layer, firstStep, tensor, positions, sequence, prefill, ranks, kind, budgets",
    ],
    ['x', { run: 1445461 }, "run must be a non-empty string, such as '0_1445461', got 1445461"],
    ['x', { layer: '' }, "layer must be a non-empty string, such as '67_LmHead', got ''"],
    ['x', { firstStep: -1 }, 'firstStep must be a whole number from 0, got -1'],
    ['x', { firstStep: '1' }, "firstStep must be a whole number from 0, got '1'"],
    ['x', { prefill: 'first' }, "prefill must be 'last' or the number of an execution, got 'first'"],
    ['x', { prefill: -1 }, "prefill must be 'last' or the number of an execution, got -1"],
    ['x', { budgets: { element: 1 } }, "there is no budget 'element'; there are fileBytes"],
    ['x', { budgets: { elements: -1 } }, 'the budget elements must be a number from 0'],
  ])('%j, %j', (path, options, message) => {
    const error = refusalOf(() => loadDump(path as string, options as LoadDumpOptions))
    expect(error).toBeInstanceOf(GoldenLogitsError)
    expect(error.code).toBe('invalid-argument')
    expect(error.message).toContain(message)
  })

  test('a path with a NUL', () => {
    expectRefusal(() => loadDump('a\0b'), 'invalid-argument', 'a path cannot contain a NUL character', 'a\0b')
  })
})
