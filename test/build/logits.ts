import { Float16Array } from '@petamoriken/float16'
import { type Dtype, itemSize } from '../../src/tensor/dtype.js'
import { bin } from '../formats/build/bin.js'
import { global, int, pickle, storage, tensor, tuple } from '../formats/build/pickle.js'
import { torchZip } from '../formats/build/zip.js'

/** Numbers to write as a tensor of one dtype and shape. */
export interface Tensor {
  values: readonly number[]
  /** Default: `[1, values.length]`. */
  shape?: readonly number[]
  /** Default: float32. */
  dtype?: Dtype
}

/** Rows of ordinary logits, deterministic for each seed. */
export function logits(seed: number, count = 8): number[] {
  return Array.from({ length: count }, (_, i) => Math.fround(8 * Math.sin(12.9898 * (i + 1) + 78.233 * seed)))
}

const STORAGES: Partial<Record<Dtype, string>> = {
  float64: 'Double',
  float32: 'Float',
  float16: 'Half',
  bfloat16: 'BFloat16',
  int64: 'Long',
  int32: 'Int',
  int16: 'Short',
  int8: 'Char',
  uint8: 'Byte',
  bool: 'Bool',
}

const BIN_DTYPES: Partial<Record<Dtype, string>> = {
  float32: '0',
  float16: '1',
  int8: '2',
  int32: '3',
  int64: '9',
  bool: '12',
  bfloat16: '27',
}

/** A file of `torch.save`. */
export function pth({ values, shape = [1, values.length], dtype = 'float32' }: Tensor): Uint8Array {
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1))
  const pickled = pickle(
    tensor({
      storage: storage({ storageClass: global('torch', `${STORAGES[dtype]}Storage`), numel: int(values.length) }),
      size: tuple(...shape.map(int)),
      stride: tuple(...strides.map(int)),
    }),
  )
  return torchZip(pickled, rawOf(values, dtype))
}

/** A `.bin` file of ATB. */
export function atb({ values, shape = [1, values.length], dtype = 'float32' }: Tensor): Uint8Array {
  const bytes = String(values.length * itemSize(dtype))
  const header = {
    dtype: BIN_DTYPES[dtype],
    dims: shape.join(','),
    '$Object.Length': bytes,
    '$Object.data': `0,${bytes}`,
  }
  return bin(header, rawOf(values, dtype))
}

/** Little-endian elements. bfloat16 is truncated, not rounded. */
export function rawOf(values: readonly number[], dtype: Dtype): Uint8Array<ArrayBuffer> {
  const make: Readonly<Record<Dtype, () => { buffer: ArrayBuffer }>> = {
    float64: () => Float64Array.from(values),
    float32: () => Float32Array.from(values),
    float16: () => Float16Array.from(values),
    bfloat16: () => Uint16Array.from(new Uint32Array(Float32Array.from(values).buffer), (bits) => bits >>> 16),
    int64: () => BigInt64Array.from(values, BigInt),
    int32: () => Int32Array.from(values),
    int16: () => Int16Array.from(values),
    int8: () => Int8Array.from(values),
    uint64: () => BigUint64Array.from(values, BigInt),
    uint32: () => Uint32Array.from(values),
    uint16: () => Uint16Array.from(values),
    uint8: () => Uint8Array.from(values),
    bool: () => Uint8Array.from(values),
  }
  return new Uint8Array(make[dtype]().buffer)
}
