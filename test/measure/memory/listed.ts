// What no entry exports, for dumps of many steps that take no memory themselves.
export { compareListed } from '../../../src/compare/compare-dumps.js'
export { listOf } from '../../../src/lib/lazy-list.js'
export { toMatchGoldenLogits } from '../../../src/matchers/to-match-golden-logits.js'
