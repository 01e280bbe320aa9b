import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { checkOptions } from '../src/compare/options.js'
import { ERROR_CODES, type ErrorCode } from '../src/errors.js'
import { compareDumps, loadDump, readTensors } from '../src/index.js'
import { compareSnapshot } from '../src/snapshots/compare-snapshot.js'
import { readSnapshot } from '../src/snapshots/read-snapshot.js'
import { writeSnapshot } from '../src/snapshots/write-snapshot.js'
import { tree } from './fixtures/trees.js'
import { bin } from './formats/build/bin.js'
import { legacy } from './formats/build/legacy.js'
import { call, global, int, OP, type Part, pickle, storage, tensor, tuple, utf8 } from './formats/build/pickle.js'
import { expectRefusal } from './formats/build/refusal.js'
import { FOUR, torchRecords, torchZip, zip } from './formats/build/zip.js'
import { asNobody, canBeNobody } from './io/nobody.js'

let dir = ''
const at = (...names: string[]) => join(dir, ...names)

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'golden-logits-'))
  chmodSync(dir, 0o755)
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

interface Case {
  /** Creates the problem at `path`. @returns the function that fails */
  make(path: string): () => unknown
  text: string
  /** The file that the error names, if not `path`. */
  file?: (path: string) => string
  skip?: boolean
}

/** A file that cannot be read. */
const file = (bytes: Uint8Array, text: string): Case => ({
  make: (path) => {
    writeFileSync(path, bytes)
    return () => readTensors(path).map((found) => found.toFloat32())
  },
  text,
})

const pickled = (part: Part, text: string) => file(torchZip(pickle(part)), text)

const posix = process.platform !== 'win32'

/** For every code, a way to get it through the public functions, and the text of the message. */
const CASES: Readonly<Record<ErrorCode, Case>> = {
  'file-not-found': { make: (path) => () => readTensors(path), text: 'there is no such file' },
  'permission-denied': {
    make: (path) => {
      writeFileSync(path, bin({}, FOUR))
      chmodSync(path, 0o000)
      return () => asNobody(() => readTensors(path))
    },
    text: 'this user has no permission to read it',
    skip: !posix || !canBeNobody,
  },
  'not-a-regular-file': {
    make: (path) => {
      mkdirSync(path)
      return () => readTensors(path)
    },
    text: 'is a folder, expected a file',
  },
  'file-changed': {
    make: (path) => {
      writeFileSync(path, bin({}, FOUR))
      const [logits] = readTensors(path)
      truncateSync(path, 50)
      return () => logits!.toFloat32()
    },
    text: 'was changed after it was opened; read it again',
  },
  'read-failed': {
    make: (path) => {
      symlinkSync(path, path)
      return () => readTensors(path)
    },
    text: 'is a symbolic link that points back to itself',
    skip: !posix,
  },
  'unsupported-format': file(
    utf8('\u0089PNG'),
    'is of an unknown format, expected one of: a NumPy archive (.npz), a file of torch.save (.pth, .pt), a',
  ),
  'bad-archive': file(
    torchZip(pickle(tensor())).subarray(0, 200),
    'broken zip archive: it has no end record, so it was cut',
  ),
  'crc-mismatch': file(
    zip(torchRecords(pickle(tensor())).map((r) => (r.name.endsWith('/0') ? { ...r, entry: { crc: 7 } } : r))),
    "record 'archive/data/0' has CRC-32 ",
  ),
  'malformed-pickle': pickled(OP.TUPLE1, 'malformed pickle: it takes a value from an empty stack'),
  'unsupported-opcode': pickled(0x81, 'torch.save does not write pickle opcode 0x81 for tensors'),
  'disallowed-global': pickled(
    call(global('os', 'system'), tuple()),
    "the pickle asks for 'os.system', which a file of tensors does not need; nothing was run",
  ),
  'bad-storage': pickled(
    tensor({ storage: storage({ numel: int(5) }) }),
    "the record of storage '0' has 16 bytes, expected 20 (5 of float32)",
  ),
  'bad-tensor': pickled(tensor({ offset: int(1) }), "impossible tensor: reaches element 4 of storage '0', which has 4"),
  'unsupported-dtype': file(bin({ dtype: '5' }, FOUR), 'dtype=5; expected one of 0 float32, 1 float16'),
  'no-tensor': pickled(OP.EMPTY_LIST, 'holds a list without a tensor; expected the logits: torch.save(logits, path)'),
  'bad-legacy': file(
    legacy({ protocol: int(1000) }),
    'broken file of torch.save before 1.6: protocol 1000, expected 1001',
  ),
  'bad-header': file(
    utf8('dtype=0\ndims=4\n'),
    'broken .bin header: it ends without the line $End=1, so the file was cut',
  ),
  'bad-bin': file(
    bin({ dims: '5' }, FOUR),
    'broken .bin file: dims 5 of float32 take 20 bytes, but 16 follow the header',
  ),
  'no-data': file(
    bin({ '$Object.Count': '0', '$Object.Length': '0', '$Object.data': undefined }, new Uint8Array(0)),
    'holds no data: ATB had no tensor to write ($Object.Count=0)',
  ),
  'limit-exceeded': {
    make: (path) => {
      writeFileSync(path, bin({}, FOUR))
      return () => readTensors(path, { budgets: { fileBytes: 100 } })
    },
    text: 'the size of the file: 114 is over the budget fileBytes of 100; if you trust the file, raise it with the option',
  },
  'nothing-to-compare': {
    make: (path) => {
      mkdirSync(path)
      return () => loadDump(path)
    },
    text: 'no dump here (it is empty); expected msit_dump_*/torch_tensors/',
  },
  'ambiguous-run': {
    make: (path) => {
      for (const run of ['msit_dump_20250301_101500', 'msit_dump_20250302_101500'])
        torchStep(path, run, 'torch_tensors', 'cuda0_1')
      return () => loadDump(path)
    },
    text: 'holds 2 runs: msit_dump_20250301_101500/torch_tensors/cuda0_1, msit_dump_20250302_101500',
  },
  'ambiguous-layer': {
    make: (path) => {
      torchStep(path, 'torch_tensors', 'cuda0_1')
      mkdirSync(join(path, 'torch_tensors/cuda0_1/0/root.norm'))
      writeFileSync(join(path, 'torch_tensors/cuda0_1/0/root.norm/output.pth'), torchZip(pickle(tensor())))
      cpSync(join(path, 'torch_tensors/cuda0_1/0/root'), join(path, 'torch_tensors/cuda0_1/0/root.mlp'), {
        recursive: true,
      })
      return () => loadDump(path)
    },
    text: 'holds 3 layers and 0 of them are named like an LM head',
    file: (path) => join(path, 'torch_tensors/cuda0_1/0'),
  },
  'bad-snapshot': {
    make: (path) => {
      writeFileSync(path, 'no snapshot')
      return () => readSnapshot(path)
    },
    text: 'its first line is not that of a snapshot; restore the snapshot from version control, or delete the file',
  },
  'snapshot-version': {
    make: (path) => {
      writeFileSync(path, snapshotText(`${path}-as-written`).replace(/\d+/, '99'))
      return () => readSnapshot(path)
    },
    text: 'the snapshot has format 99, but this version of golden-logits reads formats up to',
  },
  'snapshot-mismatch': {
    make: (path) => {
      snapshotText(path)
      const four = `${path}-of-four.bin`
      writeFileSync(four, bin({}, FOUR))
      return () => compareSnapshot(readSnapshot(path), loadDump(four), checkOptions())
    },
    text: 'the snapshot has a vocabulary of 640, the dump one of 4',
  },
  'write-failed': {
    // A file in place of the snapshot's folder.
    make: (path) => {
      writeFileSync(path, '')
      return () => snapshotText(join(path, 'x.golden'))
    },
    text: 'the snapshot cannot be written (',
    file: (path) => join(path, 'x.golden'),
  },
  'bad-calibration': {
    make: (path) => {
      writeFileSync(path, '{}')
      return () =>
        compareDumps(tree('a_clean_f32_vs_f16', 'my'), tree('a_clean_f32_vs_f16', 'golden'), { calibration: path })
    },
    text: 'is no calibration: expected an object with "format": "golden-logits-calibration"; calibrate again',
  },
  'calibration-mismatch': {
    make: (path) => {
      const [my, golden] = [tree('a_clean_f32_vs_f16', 'my'), tree('a_clean_f32_vs_f16', 'golden')]
      const head = { format: 'golden-logits-calibration', version: 1, model: 'a', dtype: 'bf16', golden: 'fp32' }
      const rest = { tensorParallel: 1, device: 'b', measured: 'c', tokens: 1, spread: {}, tokenLimits: {} }
      writeFileSync(path, JSON.stringify({ ...head, ...rest, runLimits: {}, runTokens: 32, notes: [] }))
      return () => compareDumps(my, golden, { calibration: path })
    },
    text: 'is for dtype bf16, but this comparison is of fp16; calibrate this build by itself',
    file: () => tree('a_clean_f32_vs_f16', 'my'),
  },
  'invalid-argument': {
    make: (path) => {
      torchStep(path, 'torch_tensors', 'cuda0_1')
      return () => compareDumps(loadDump(path), loadDump(path, { run: 'none' }))
    },
    text: "the option run: 'none' matches 0 of the 1 runs here: torch_tensors/cuda0_1; give the name of exactly one",
  },
}

/** One step of a torch dump with one layer. */
function torchStep(...folders: string[]): void {
  const layer = join(...folders, '0', 'root')
  mkdirSync(layer, { recursive: true })
  writeFileSync(join(layer, 'output.pth'), torchZip(pickle(tensor())))
}

/** Writes a snapshot of the bundled dump. @returns its text */
function snapshotText(path: string): string {
  const all = {
    fidelity: 'compact',
    k: 64,
    test: 'a test',
    provenance: {},
    compare: checkOptions({ dtype: 'fp16' }),
  } as const
  writeSnapshot(path, loadDump(tree('a_clean_f32_vs_f16', 'my')), all)
  return readFileSync(path, 'utf8')
}

describe('every code has an example with its message and file', () => {
  for (const code of ERROR_CODES) {
    const { make, text, file, skip = false } = CASES[code]
    // Skipped only if the system cannot cause the problem.
    test.skipIf(skip)(code, () => {
      const path = at(`${code}.input`)
      const body = make(path)
      expectRefusal(body, code, text, file ? file(path) : path)
    })
  }
})
