// Compiles kernel/ to WebAssembly and writes it as a base64 string into src/, so that ES modules, CommonJS, bundlers and
// workers load it the same way. The same sources give the same bytes; `--check` compares and writes nothing.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

const root = fileURLToPath(new URL('..', import.meta.url))
const target = fileURLToPath(new URL('../src/metrics/wasm/module.generated.ts', import.meta.url))

let binary
const { error, stderr } = await asc.main(
  [
    'kernel/index.ts',
    ...['--baseDir', root],
    ...['--outFile', 'kernel.wasm'],
    ...['--runtime', 'stub'],
    ...['--enable', 'simd'],
    ...['--use', 'abort='],
    '--importMemory',
    '--noAssert',
    '-O3',
  ],
  {
    // The compiler's output stays in memory.
    writeFile: (_name, contents) => {
      binary = contents
    },
  },
)
if (error || !(binary instanceof Uint8Array)) {
  console.error(stderr.toString() || error)
  process.exit(1)
}

const source = `// Made by \`npm run build -- kernel\` from kernel/, by AssemblyScript ${asc.version}. Do not edit.
export const KERNEL_MODULE =
  '${Buffer.from(binary).toString('base64')}'
`

if (!process.argv.includes('--check')) writeFileSync(target, source)
else if (readFileSync(target, 'utf8') !== source) {
  console.error('src/metrics/wasm/module.generated.ts is not what kernel/ compiles to: run npm run build -- kernel')
  process.exit(1)
}
