/** A module (torch) or operation (ATB) of one step, and the files of its tensors. */
export interface Layer {
  /** Unique in its step: `root.model.layers.0.mlp`, `12_DecoderLayer/3_Linear`. */
  readonly name: string
  /** Its class or operation: `Linear`, `LmHead`; absent if the dump does not say. */
  readonly type?: string
  /** In the order in which the module returned them. Empty if it left none. */
  readonly outputs: readonly string[]
  /** In the order of the arguments. */
  readonly inputs: readonly string[]
  /** Why its files could not be listed. */
  readonly problem?: string
  /** Its files on every rank of a tensor-parallel run, in numeric device order; `outputs` and `inputs` are the first's. */
  readonly ranks?: readonly RankFiles[]
  /** The layers that together are one fused module of the other side; `outputs` and `inputs` are the first's. */
  readonly parts?: readonly Layer[]
  /** The layer whose first input this is, if no layer of the side computes it by itself. */
  readonly inputOf?: Layer
}

/** The files of a layer on one rank. */
export type RankFiles = Pick<Layer, 'outputs' | 'inputs'>

/** Every layer of one step. */
export interface StepLayers {
  /** The folder of the step. */
  readonly folder: string
  /** In the order in which they ended: a container after what it contains. */
  readonly layers: readonly Layer[]
  /** Whether the dump records the order, or the names suggest it. */
  readonly order: 'recorded' | 'by name'
  /** Entries of the step's folder that are no layers. */
  readonly ignored: readonly string[]
}
