import { basename, extname } from 'node:path'
import { GoldenLogitsError, printable } from '../errors.js'
import { READABLE_FORMATS, readableFormat, TENSOR_EXTENSIONS } from '../formats/index.js'
import { type ByteSource, readBytes } from '../io/byte-source.js'
import { withFile } from '../io/file-source.js'
import { tryRead } from '../lib/try-read.js'
import { LAYOUTS } from './layouts/index.js'
import { STATISTICS_ADVICE } from './layouts/layout.js'

/** How to get tensors out of files of other tools, by the extension of the file. `FILE` and `OUT` stand for names. */
const ADVICE: Readonly<Record<string, string>> = {
  '.h5': python('torch, h5py', "torch.from_numpy(h5py.File('FILE')['logits'][()])"),
  '.hdf5': python('torch, h5py', "torch.from_numpy(h5py.File('FILE')['logits'][()])"),
  '.parquet': python('torch, pandas', "torch.tensor(pandas.read_parquet('FILE').to_numpy())"),
  '.raw': python('torch, numpy', "torch.from_numpy(numpy.fromfile('FILE', 'float32').reshape(1, -1))"),
  '.onnx': 'it is a model; run it and save its logits by torch.save',
  '.gguf': 'it holds weights; run the model and save its logits by torch.save',
  '.kld': 'a base file of llama-perplexity begins with _logits_; name such a file itself, not its folder',
  '.json':
    'it is text; lists of numbers are not read: save the logits as a tensor by torch.save; a dump.json of msprobe only lists tensors: name a file in its dump_tensor_data/ (if there is none, dump with "task": "tensor")',
  '.csv': `it is a table; ${STATISTICS_ADVICE}`,
  '.txt': 'it is text; save the logits as a tensor by torch.save',
}

function python(modules: string, value: string): string {
  return `convert it in Python: import ${modules}; torch.save(${value}, 'OUT')`
}

/** What to do with a file that is no tensor, as far as its name shows it. @param out the name of the converted file */
export function adviceFor(file: string, out = `${basename(file, extname(file))}.pth`): string | undefined {
  const advice = ADVICE[extname(file).toLowerCase()]
  return advice?.replace('FILE', () => printable(basename(file), 60)).replace('OUT', () => printable(out, 60))
}

/** Every path in which `loadDump` finds logits. */
export const EXPECTED = `expected ${LAYOUTS.flatMap(({ examples }) => examples).join(' or ')}`

// Texts may begin like the header of an ATB file, but not with these names.
const ATB_HEADER = /^(?:\$|(?:format|dtype|dims|data)=)/

/**
 * Refuses a file that is certainly no tensor. Reads only its first bytes.
 * @throws GoldenLogitsError `unsupported-format`
 */
export function refuseForeign(file: string): void {
  // By such a name, it is not opened here: if it is damaged, its token is unreadable and the others are compared.
  if (TENSOR_EXTENSIONS.includes(extname(file).toLowerCase()) || looksReadable(file)) return
  const advice = adviceFor(file)
  const message = `is no dump and none of these: ${READABLE_FORMATS}${advice === undefined ? '' : `; ${advice}`}; ${EXPECTED}`
  throw new GoldenLogitsError('unsupported-format', message, { file })
}

function looksReadable(file: string): boolean {
  const isReadable = (source: ByteSource) => {
    const format = readableFormat(source)
    if (format !== 'atb-bin') return format !== undefined
    const head = Buffer.from(readBytes(source, 0, Math.min(8, source.size))).toString('latin1')
    return ATB_HEADER.test(head)
  }
  // A file that cannot be opened is an unreadable token, which says why.
  return tryRead(() => withFile(file, isReadable)) ?? true
}
