export { type AcceptedPair, type CalibrateOptions, calibrate } from './compare/calibration/calibrate.js'
export { calibrationText } from './compare/calibration/text.js'
export type {
  CalibratedRunKey,
  Calibration,
  CalibrationKey,
  MeasuredRunKey,
  MetricSpread,
  ProposedLimit,
  QuantityKey,
  TokenLimitKey,
} from './compare/calibration/types.js'
export { compareDumps } from './compare/compare-dumps.js'
export type { CompareOptions } from './compare/options.js'
export type { PrecisionName } from './compare/thresholds.js'
export type {
  BaselineFacts,
  BaselineRunKey,
  Comparison,
  Counts,
  Decoding,
  OtherSequence,
  Precision,
  RunKey,
  RunNoise,
  RunVerdict,
  Thresholds,
  TokenComparison,
  TokenNoise,
  TokenSide,
  Verdict,
} from './compare/types.js'
export type { DumpSource } from './dumps/lazy-dumps.js'
export type { LogitsOptions } from './dumps/logits-of.js'
export type { Float16Logits, LogitsArray, LogitsTensor } from './dumps/tensor-of.js'
export type { Dump, DumpStep, IgnoredPath, LoadDumpOptions } from './dumps/types.js'
export { type ErrorCode, type ErrorDetails, GoldenLogitsError } from './errors.js'
export { readTensors } from './formats/read-tensors.js'
export type { Budgets } from './io/budgets.js'
export type { Note } from './lib/note.js'
export type { Metrics } from './metrics/table.js'
export type { NonFinite, Support } from './metrics/types.js'
export { lazyDumps, loadDump, logitsOf } from './reporters/recorded-load.js'
export { stratifiedIds } from './snapshots/stratified-ids.js'
export type { Dtype } from './tensor/dtype.js'
export type { LazyTensor } from './tensor/tensor.js'
