import { GoldenLogitsError } from '../errors.js'
import { type ByteSource, hasBytes, readBytes } from '../io/byte-source.js'
import { atbBin } from './atb-bin.js'
import type { Format } from './format.js'
import { KLD_MAGIC } from './kld.js'
import { npy } from './npy.js'
import { npz } from './npz.js'
import { onnxPb } from './onnx-pb.js'
import { safetensors } from './safetensors.js'
import { torchLegacy } from './torch-legacy.js'
import { torchZip } from './torch-zip.js'

/** Offset and text of the magic bytes of a tar archive. */
const TAR_OFFSET = 257
const TAR_MAGIC = 'ustar'
const TAR_BYTES = Buffer.from(TAR_MAGIC)

/**
 * A version, then the producer or the graph: no tensor of ONNX has a text or a message there. A header of safetensors may
 * begin with the same bytes, but its fifth byte is 0.
 */
const PROTOBUF_MODEL = /^\x08[\x01-\x7f][\x12\x3a][^\0][^\0]/

/** A format that is recognised only to name it in the error. */
type UnsupportedFormat = Pick<Format, 'name' | 'matches'>

const UNSUPPORTED: readonly UnsupportedFormat[] = [
  {
    name: 'a tar archive (torch.save before 0.1.10)',
    matches: (head) => head.startsWith(TAR_MAGIC, TAR_OFFSET),
  },
  {
    name: 'a base file of llama.cpp, which holds rows and no tensor (open it by loadDump)',
    matches: (head) => head.startsWith(KLD_MAGIC),
  },
  {
    name: 'a model of ONNX or TensorFlow (run it and save its logits)',
    matches: (head) => PROTOBUF_MODEL.test(head),
  },
  { name: 'a GGUF model', matches: (head) => head.startsWith('GGUF') },
  { name: 'an HDF5 file', matches: (head) => head.startsWith('\x89HDF\r\n') },
  { name: 'compressed by gzip', matches: (head) => head.startsWith('\x1f\x8b') },
  { name: 'compressed by zstd', matches: (head) => head.startsWith('\x28\xb5\x2f\xfd') },
  { name: 'an empty zip archive', matches: (head) => head.startsWith('PK\x05\x06') },
  {
    name: 'a Git LFS pointer: run git lfs pull',
    matches: (head) => head.startsWith('version https://git-lfs'),
  },
]

/** Every format that is read, in the order in which they are checked. Add a format here. */
const READABLE: readonly Format[] = [npz, torchZip, npy, safetensors, torchLegacy, atbBin, onnxPb]

/** A tar archive may start like any file without magic bytes. */
const FORMATS: readonly (Format | UnsupportedFormat)[] = [...UNSUPPORTED, ...READABLE]

/** What an error expects in place of another file. */
export const READABLE_FORMATS = [...new Set(READABLE.map(({ description }) => description))].join(', ')

/** The endings of names that files of these formats usually have, in lower case. */
export const TENSOR_EXTENSIONS: readonly string[] = [...new Set(READABLE.flatMap(({ extensions }) => extensions))]

/** Bytes by which every format can be recognised. */
const HEAD = TAR_OFFSET + TAR_MAGIC.length

/**
 * Decides the format by the first bytes alone, so that exactly one reader sees a file.
 * @throws GoldenLogitsError `unsupported-format`
 */
export function detectFormat(source: ByteSource): Format {
  const format = formatOf(source)
  if (format && 'read' in format) return format
  const problem = source.size === 0 ? 'is empty' : `is ${format?.name ?? 'of an unknown format'}`
  // np.memmap and ndarray.tofile write the elements alone, and many call such a file .npy.
  const isRaw = !format && source.size > 0 && /\.(?:npy|bin)$/i.test(source.file)
  const advice = isRaw ? '; if it holds raw numbers without a header (np.memmap, tofile), save them by numpy.save' : ''
  const message = `${problem}, expected one of: ${READABLE_FORMATS}${advice}`
  throw new GoldenLogitsError('unsupported-format', message, { file: source.file })
}

/** The name of the format that the first bytes show, undefined if no reader takes it. */
export function readableFormat(source: ByteSource): string | undefined {
  const format = formatOf(source)
  return format && 'read' in format ? format.name : undefined
}

function formatOf(source: ByteSource): Format | UnsupportedFormat | undefined {
  const head = Buffer.from(readBytes(source, 0, Math.min(HEAD, source.size))).toString('latin1')
  return FORMATS.find(({ matches }) => matches(head))
}

/** Whether the file has the magic bytes of a tar archive. */
export function isTar(source: ByteSource): boolean {
  return source.size >= HEAD && hasBytes(source, TAR_OFFSET, TAR_BYTES)
}
