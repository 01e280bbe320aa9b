// Writes dumps for the benchmarks: golden `.pth` files and tested `.bin` files with realistic logits, the same in every run.
import { closeSync, existsSync, linkSync, mkdirSync, openSync, rmSync, writeFileSync, writevSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { crc32 } from 'node:zlib'

/** Numbers in [0, 1) from a seed (mulberry32). */
export function random(seed) {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** The noise that an honest kernel of each dtype may add to such rows: within the reference limits. */
const NOISE = { float32: 0.02, bfloat16: 0.02, float16: 0.004 }

/** A golden row from N(−1, 2.2) with 24 peaks, and a dump row with added noise. */
function rows(vocab, seed, noise = NOISE.bfloat16) {
  const next = random(seed)
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
  const golden = Float32Array.from({ length: vocab }, () => -1 + 2.2 * normal())
  for (let i = 0; i < 24; i++) golden[Math.floor(next() * vocab)] += 8 + 4 * next()
  return { golden, dump: golden.map((logit) => logit + noise * normal()) }
}

const toBytes = {
  float32: (row) => Buffer.from(row.buffer),
  bfloat16: (row) => {
    const bits = new Uint32Array(row.buffer)
    return Buffer.from(Uint16Array.from(bits, (b) => (b + 0x7fff + ((b >>> 16) & 1)) >>> 16).buffer)
  },
  float16: (row) => Buffer.from(Uint16Array.from(row, toHalf).buffer),
}

/** Rounds to the nearest float16. Very small and very large values are not handled: there are none here. */
function toHalf(value) {
  const size = Math.abs(value)
  if (size < 2 ** -14) return (value < 0 ? 0x8000 : 0) | Math.round(size * 2 ** 24)
  const exponent = Math.floor(Math.log2(size))
  return (value < 0 ? 0x8000 : 0) + ((exponent + 14) << 10) + Math.round(size * 2 ** (10 - exponent))
}

const STORAGE = { float32: 'FloatStorage', float16: 'HalfStorage', bfloat16: 'BFloat16Storage' }

/** The pieces of the file that `torch.save` writes for a row-major tensor. */
function torchFile(bytes, dtype, shape) {
  const int = (n) => Buffer.concat([Buffer.from('J'), Buffer.from(Int32Array.of(n).buffer)])
  const text = (s) => Buffer.concat([Buffer.from('X'), Buffer.from(Int32Array.of(s.length).buffer), Buffer.from(s)])
  const tuple = (sizes) => Buffer.concat([Buffer.from('('), ...sizes.map(int), Buffer.from('t')])
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1))
  const pickle = Buffer.concat([
    Buffer.from('\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((', 'latin1'),
    ...[text('storage'), Buffer.from(`ctorch\n${STORAGE[dtype]}\n`), text('0'), text('cpu')],
    ...[int(shape[0] * strides[0]), Buffer.from('tQ'), int(0), tuple(shape), tuple(strides)],
    Buffer.from('\x89ccollections\nOrderedDict\n)RtR.', 'latin1'),
  ])
  const records = { 'output/data.pkl': pickle, 'output/data/0': bytes, 'output/version': Buffer.from('3\n') }
  const [parts, directory] = [[], []]
  let at = 0
  for (const [name, content] of Object.entries(records)) {
    const [local, entry] = [Buffer.alloc(30), Buffer.alloc(46)]
    // As torch does: padding in the extra field aligns the data to 64 bytes.
    const extra = Buffer.alloc(4 + ((128 - ((at + 34 + name.length) % 64)) % 64))
    extra.write('FB')
    extra.writeUInt16LE(extra.length - 4, 2)
    local.writeUInt32LE(0x04034b50, 0)
    entry.writeUInt32LE(0x02014b50, 0)
    for (const [header, from] of [
      [local, 14],
      [entry, 16],
    ]) {
      header.writeUInt32LE(crc32(content), from)
      header.writeUInt32LE(content.length, from + 4)
      header.writeUInt32LE(content.length, from + 8)
      header.writeUInt16LE(name.length, from + 12)
    }
    local.writeUInt16LE(extra.length, 28)
    entry.writeUInt32LE(at, 42)
    parts.push(local, Buffer.from(name), extra, content)
    directory.push(entry, Buffer.from(name))
    at += 30 + name.length + extra.length + content.length
  }
  const [list, end] = [Buffer.concat(directory), Buffer.alloc(22)]
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(3, 8)
  end.writeUInt16LE(3, 10)
  end.writeUInt32LE(list.length, 12)
  end.writeUInt32LE(at, 16)
  return [...parts, list, end]
}

const ATB_DTYPE = { float32: 0, float16: 1, bfloat16: 27 }

function atbFile(bytes, dtype, vocab) {
  const length = bytes.length
  const header = `$Version=1.0\n$Object.Count=1\n$Object.Length=${length}\nformat=2\ndtype=${ATB_DTYPE[dtype]}\ndims=1,${vocab}\n$Object.data=0,${length}\n$End=1\n`
  return Buffer.concat([Buffer.from(header), bytes])
}

/** Writes a prompt's float16 logits as one `.pth`: all zero except the last row. */
export function makePrompt(file, { vocab, positions }) {
  const bytes = Buffer.alloc(2 * vocab * positions)
  toBytes.float16(rows(vocab, 1).golden).copy(bytes, bytes.length - 2 * vocab)
  const descriptor = openSync(file, 'w')
  for (const piece of torchFile(bytes, 'float16', [1, positions, vocab])) {
    for (let at = 0; at < piece.length; ) at += writevSync(descriptor, [piece.subarray(at, at + 2 ** 30)])
  }
  closeSync(descriptor)
}

/**
 * Writes both dumps into a folder, unless it has them already, and returns their paths.
 * @param {{ vocab: number, tokens: number, golden?: string, dump?: string, distinct?: number, noise?: number }} kind
 * `distinct`: the number of different rows; they repeat, each time in a new file
 */
export function makeDumps(folder, kind) {
  const { vocab, tokens, golden = 'float32', dump = 'bfloat16', distinct = tokens, noise = NOISE[dump] } = kind
  const root = join(folder, `${vocab}-${golden}-${dump}-${tokens}-${noise}`)
  const paths = {
    golden: join(root, 'gpu/msit_dump_1/torch_tensors/cuda0_1'),
    dump: join(root, 'npu/msit_dump_1/tensors/0_1'),
  }
  const done = join(root, 'done')
  const made = []
  for (let step = 0; !existsSync(done) && step < tokens; step++) {
    if (step < distinct) made.push(filesOf(rows(vocab, step + 1, noise), { vocab, golden, dump }))
    const files = distinct < tokens ? made[step % distinct] : made.pop()
    const write = (path, content) => {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, content)
    }
    write(join(paths.golden, `${step}/root.lm_head/output.pth`), files.golden)
    write(join(paths.dump, `${step}/67_LmHead/after/outtensor0.bin`), files.dump)
  }
  writeFileSync(done, '')
  return paths
}

function filesOf(row, { vocab, golden, dump }) {
  return {
    golden: Buffer.concat(torchFile(toBytes[golden](row.golden), golden, [1, vocab])),
    dump: atbFile(toBytes[dump](row.dump), dump, vocab),
  }
}

// Below the limit of every file system: ext4 allows 65,000 links to a file.
const MOST_LINKS = 60_000

/**
 * Writes both dumps as flat folders of `.pth` files. Only `distinct` files are real, the others are links to them, so that many
 * tokens need little disk space. Returns the paths and a function that removes the files.
 */
export function makeFlatDumps(folder, { vocab, tokens, golden = 'float32', dump = 'bfloat16', distinct = 20 }) {
  const root = join(folder, `flat-${vocab}-${golden}-${dump}-${tokens}`)
  const paths = { golden: join(root, 'golden'), dump: join(root, 'dump') }
  const remove = () => rmSync(root, { recursive: true, force: true })
  remove()
  const made = Array.from({ length: Math.min(distinct, tokens) }, (_, which) => rows(vocab, which + 1))
  for (const [side, dtype] of Object.entries({ golden, dump })) {
    mkdirSync(paths[side], { recursive: true })
    const fileOf = (step) => join(paths[side], `logits_bench_0_${step}.pth`)
    for (let step = 0; step < tokens; step++) {
      const which = step % distinct
      const links = Math.floor(step / distinct) % MOST_LINKS
      if (links > 0) linkSync(fileOf(step - links * distinct), fileOf(step))
      else writeFileSync(fileOf(step), Buffer.concat(torchFile(toBytes[dtype](made[which][side]), dtype, [1, vocab])))
    }
  }
  return { paths, remove }
}

/** Repeats the steps of a dump until it has this number of tokens. */
export function repeated(dump, tokens) {
  const steps = [...dump.steps]
  return { ...dump, steps: Array.from({ length: tokens }, (_, step) => ({ ...steps[step % steps.length], step })) }
}
