import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkOptions } from '../../src/compare/options.js'
import { loadDump } from '../../src/index.js'
import { writeSnapshot } from '../../src/snapshots/write-snapshot.js'
import { bin } from '../formats/build/bin.js'
import { random } from './compact/pairs.js'

/** ATB's numbers of the dtypes, and the bytes of an element. */
const DTYPES = { float32: ['0', 4], float16: ['1', 2], bfloat16: ['27', 2] } as const
export type SampleDtype = keyof typeof DTYPES
export const SAMPLE_DTYPES = Object.keys(DTYPES) as SampleDtype[]

const STEPS = 3
const WIDTH = 2000

/** The bytes of a row: numbers in [2, 4) of either sign, in any dtype, a zero and −Inf. */
export function sampleRow(dtype: SampleDtype, step: number): Uint8Array<ArrayBuffer> {
  const next = random(step + 1)
  const bytes = new Uint8Array(WIDTH * DTYPES[dtype][1])
  const view = new DataView(bytes.buffer)
  const [two, infinity] = { float32: [0x40000000, 0xff800000], float16: [0x4000, 0xfc00], bfloat16: [0x4000, 0xff80] }[
    dtype
  ] as [number, number]
  const [fraction, sign] = { float32: [23, 31], float16: [10, 15], bfloat16: [7, 15] }[dtype] as [number, number]
  for (let i = 0; i < WIDTH; i++) {
    const number = two + Math.floor(next() * 2 ** fraction) + (next() < 0.5 ? 2 ** sign : 0)
    const bits = i === 7 ? 0 : i === 9 ? infinity : number
    if (dtype === 'float32') view.setUint32(4 * i, bits, true)
    else view.setUint16(2 * i, bits, true)
  }
  return bytes
}

/** Writes a dump of each dtype, and its snapshot. Returns the snapshots' `.npz` files. */
export function writeSamples(folder: string): Record<SampleDtype, string> {
  const files = SAMPLE_DTYPES.map((dtype) => {
    for (let step = 0; step < STEPS; step++) {
      const data = sampleRow(dtype, step)
      const lines = { dtype: DTYPES[dtype][0], dims: `1,${WIDTH}`, '$Object.Length': String(data.length) }
      const layer = join(
        folder,
        dtype,
        'msit_dump_20250301_101500',
        'tensors',
        '0_77',
        String(step),
        '67_LmHead',
        'after',
      )
      mkdirSync(layer, { recursive: true })
      writeFileSync(join(layer, 'outtensor0.bin'), bin({ ...lines, '$Object.data': `0,${data.length}` }, data))
    }
    const path = join(folder, `${dtype}.golden`)
    const settings = { fidelity: 'full', k: 1, test: 'sample', provenance: {}, compare: checkOptions() } as const
    const written = writeSnapshot(path, loadDump(join(folder, dtype)), settings)
    if (written.kind !== 'written') throw new Error(written.reason)
    return [dtype, `${path}.npz`]
  })
  return Object.fromEntries(files)
}
