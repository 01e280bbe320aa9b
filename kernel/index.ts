// The numeric kernel in AssemblyScript: `npm run build:kernel` makes src/metrics/wasm/module.generated.ts of it. It lives in
// memory that is given to it, knows no allocation, and leaves its results where layout.ts says.
export { foldRow } from './checksum'
export { init } from './constants'
export { averageBregman, sumMass } from './divergence'
export { measurePair } from './pair'
