// `npm run bench` compares dumps, `npm run bench -- scaling` takes more and more tokens, `npm run bench -- snapshots`
// measures stored snapshots. Other arguments are options of the benchmark; each file describes its own.
const [name = '', ...rest] = process.argv.slice(2)
const BENCHMARKS = { scaling: './scaling.mjs', snapshots: './snapshots.mjs' }

if (name !== '' && !name.startsWith('-') && !Object.hasOwn(BENCHMARKS, name)) {
  console.error(`there is no benchmark '${name}'; there are ${Object.keys(BENCHMARKS).join(' and ')}`)
  process.exit(2)
}
if (Object.hasOwn(BENCHMARKS, name)) process.argv.splice(2, Infinity, ...rest)
await import(BENCHMARKS[name] ?? './comparisons.mjs')
