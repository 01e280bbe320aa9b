// `npm run bench` compares dumps, `npm run bench -- scaling` takes more and more tokens, `npm run bench -- snapshots`
// measures stored snapshots, `npm run bench -- compact` the bounds of compact ones, `npm run bench -- memory` logits in memory,
// `npm run bench -- big-files` rows of files of 3 GB, `npm run bench -- kld` base files of llama.cpp, `npm run bench -- layers` a dump of all layers, `npm run bench -- against DIST` compares with another build. Other arguments are options of the benchmark; each file describes its own.
const [name = '', ...rest] = process.argv.slice(2)
const BENCHMARKS = {
  against: './against.mjs',
  'big-files': './big-files.mjs',
  compact: './compact.mjs',
  kld: './kld.mjs',
  layers: './layers.mjs',
  memory: './memory.mjs',
  scaling: './scaling.mjs',
  snapshots: './snapshots.mjs',
}

if (name !== '' && !name.startsWith('-') && !Object.hasOwn(BENCHMARKS, name)) {
  console.error(`there is no benchmark '${name}'; there are ${Object.keys(BENCHMARKS).join(', ')}`)
  process.exit(2)
}
if (Object.hasOwn(BENCHMARKS, name)) process.argv.splice(2, Infinity, ...rest)
await import(BENCHMARKS[name] ?? './comparisons.mjs')
