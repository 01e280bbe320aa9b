import type { ComparedLayer, LayersComparison } from '../compare/layers/types.js'
import type { LayerFacts, TokenComparison, TokenSide, Verdict } from '../compare/types.js'
import type { Layer } from '../dumps/layers/index.js'
import type { TensorPair } from '../measure/layers/measure-tensors.js'
import type { Metrics } from '../metrics/table.js'

const VERDICTS: Readonly<Record<ComparedLayer['verdict'], Verdict>> = {
  compared: 'pass',
  diverges: 'over-threshold',
  'golden-only': 'missing',
  'dump-only': 'extra',
  unreadable: 'unreadable',
  'shape-mismatch': 'shape-mismatch',
  'no-output': 'missing',
}

/** The layers of a comparison as rows of a report, in the order of the comparison: each is the token of its step. */
export function layerTokens(comparison: LayersComparison): TokenComparison[] {
  const { layers, step, pass, finding } = comparison
  return layers.map((layer) => {
    const { verdict, measured } = layer
    const { golden, dump } = layer
    const isOpen = 'reason' in finding && verdict === 'compared'
    const reason = isOpen ? finding.reason : layer.reason
    return {
      step,
      verdict: isOpen ? 'undecided' : VERDICTS[verdict],
      pass: !isOpen && (verdict === 'compared' || (pass && verdict !== 'diverges')),
      reason:
        verdict === 'diverges' && finding.kind === 'layer'
          ? `the first layer that diverges, by the rule ${finding.rule}`
          : reason,
      layer: factsOf(layer, comparison),
      ...(measured && { metrics: metricsOf(measured.output) }),
      ...(golden && { golden: sideOf(golden, measured?.output, 0) }),
      ...(dump && { dump: sideOf(dump, measured?.output, 1) }),
    }
  })
}

function factsOf(layer: ComparedLayer, { finding, hasFloor }: LayersComparison): LayerFacts {
  const { golden, dump, measured, score, naturalError, verdict } = layer
  const type = golden?.type ?? dump?.type
  return {
    name: (golden ?? dump)!.name,
    ...(type !== undefined && { type }),
    ...(score && { outputError: score.output, positions: score.positions }),
    ...(score?.input !== undefined && { inputError: score.input }),
    ...(naturalError !== undefined && { naturalError, naturalFrom: hasFloor ? 'floor' : 'kind' }),
    ...(measured && { normRatio: measured.output.normRatio }),
    ...(verdict === 'diverges' && finding.kind === 'layer' && { rule: finding.rule }),
  }
}

/** A layer has no distribution, so no KL divergence, and relative errors of its elements say nothing: those cells stay empty. */
function metricsOf(output: TensorPair): Metrics {
  const { cosineSimilarity, relativeEuclideanDistance, maxAbsoluteError, meanAbsoluteError } = output
  return { cosineSimilarity, relativeEuclideanDistance, maxAbsoluteError, meanAbsoluteError } as Metrics
}

function sideOf({ name, outputs }: Layer, output: TensorPair | undefined, side: 0 | 1): TokenSide {
  const facts = { files: outputs.slice(0, 1), layer: name }
  return output
    ? { ...facts, dtype: output.dtypes[side], fileShape: output.shapes[side], ...output.stats[side] }
    : facts
}
