// The numeric kernel in AssemblyScript, compiled by `npm run build -- kernel` to src/metrics/wasm/module.generated.ts. It
// works on memory that the caller provides, allocates nothing, and writes its results to the addresses in layout.ts.
export { foldRow } from './checksum'
export { init } from './constants'
export { averageBregman, sumMass } from './divergence'
export { measurePair } from './pair'
export { addSketches } from './sketch'
export { quantiseCentered, quantiseRoots, sumBetween, sumExponentials } from './summary'
