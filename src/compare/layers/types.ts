import type { Layer } from '../../dumps/layers/index.js'
import type { FilePath } from '../../lib/file-path.js'
import type { LocalError } from '../../measure/layers/local/measure-local.js'
import type { MeasuredLayer } from '../../measure/layers/measure-layer.js'
import type { PrecisionName } from '../thresholds.js'
import type { Precision } from '../types.js'
import type { Named } from './names.js'

/** Options of `toMatchGoldenLayers`. `Side` is the type of what names a dump. */
export interface LayersOptions<Side> {
  /** The token whose layers are compared; both dumps must hold every layer of it. */
  step: number
  /**
   * A second run of the golden's build in the precision of the dump: its error shows what rounding alone does in each layer,
   * which names more faults and fewer wrong layers.
   */
  floor?: Side
  /**
   * The weights in safetensors: a file, or a folder of them. Layers are computed from their own inputs, so that a fault is
   * named even if its error is small beside what the layer inherits.
   */
  checkpoint?: FilePath
  /** The coarser precision of the two runs. Left out: the coarsest dtype of the layers. */
  dtype?: PrecisionName
  /** Whether layers that only one side holds, or that cannot be compared, let the comparison fail. Default `'fail'`. */
  unpaired?: 'fail' | 'allow'
  /**
   * Names of the dump's layers by names of the golden's, for layers that are called differently. An array names the parts of a
   * fused module, in order; so do several layers of the golden with the same partner.
   */
  mapping?: Readonly<Record<string, string | readonly string[]>>
}

/**
 * - `compared`: measured, and not the one that was named
 * - `diverges`: the first layer that diverges
 * - `golden-only`, `dump-only`: the other side has no partner for it
 * - `unreadable`, `shape-mismatch`, `no-output`: paired, and not measured
 */
type LayerVerdict =
  | 'compared'
  | 'diverges'
  | 'golden-only'
  | 'dump-only'
  | 'unreadable'
  | 'shape-mismatch'
  | 'no-output'

export interface ComparedLayer {
  readonly verdict: LayerVerdict
  readonly reason: string
  readonly golden?: Layer
  readonly dump?: Layer
  /** What it was compared with, if one side holds the last layer after the final norm. */
  readonly postNorm?: string
  /** Present if the layer was measured; likewise `score`. */
  readonly measured?: MeasuredLayer
  readonly score?: LayerScore
  /** Present if the layer could be computed from its own input. */
  readonly local?: LocalError
  /** The output error that rounding alone makes, if it is known. */
  readonly naturalError?: number
}

/** A measured layer, as the rules see it. */
export interface RankedLayer extends Named {
  readonly measured: MeasuredLayer
  /** Its output against what its own input and weight make. */
  readonly local?: LocalError | undefined
  /** The same layer of the floor's run against the golden, if there is one. */
  readonly floor?: MeasuredLayer | undefined
}

/** Which rule named a layer. */
type LayerRule = 'non-finite' | 'exact' | 'embedding' | 'local' | 'floor' | 'amplification'

/** What a layer's error is compared with. */
export interface LayerScore {
  /** Positions that were used: all but the first of a text, if there are others. */
  readonly positions: number
  /** Medians over these positions of the relative Euclidean error. `input` is absent if no input is at hand. */
  readonly output: number
  readonly input?: number
  /** Median of output over input error, divided by the median of its kind; absent without an input. */
  readonly amplification?: number
  /** Median of the output error over the floor's, and of the input error likewise. */
  readonly overFloor?: number
  readonly inputOverFloor?: number
}

export type LayerFinding =
  | { readonly kind: 'identical' }
  | { readonly kind: 'layer'; readonly rule: LayerRule; readonly index: number }
  /** `largest`: up to three layers, the most amplifying first. */
  | { readonly kind: 'none'; readonly largest: readonly number[] }

/**
 * `not-aligned`: the two sides did not compute the same, so no layer can be named. `unexplained`: the error is more than
 * rounding, and no rule names a layer. `reason` says why.
 */
export type LayersFinding = LayerFinding | { readonly kind: 'not-aligned' | 'unexplained'; readonly reason: string }

/** A comparison of all layers at one token. */
export interface LayersComparison {
  /** True if no layer diverges, and every layer was compared or may be left out. */
  readonly pass: boolean
  readonly step: number
  /** In the golden's order of execution; layers of the dump alone come last. */
  readonly layers: readonly ComparedLayer[]
  /** `index` and `largest` are positions in `layers`. */
  readonly finding: LayersFinding
  readonly counts: Readonly<Record<'total' | 'compared' | 'unpaired' | 'failed', number>>
  readonly precision: Precision
  readonly hasFloor: boolean
  readonly notes: readonly string[]
  readonly warnings: readonly string[]
  readonly goldenPath: string
  readonly dumpPath: string
}
