// What no entry exports, for dumps of many steps that take no memory themselves.
export { compareDumps } from '../../../src/compare/compare-dumps.js'
export { dumpOfSteps } from '../../../src/dumps/step-list.js'
export { listOf } from '../../../src/lib/lazy-list.js'
export { toMatchGoldenLogits } from '../../../src/matchers/to-match-golden-logits.js'
