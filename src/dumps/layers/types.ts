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
}

/** Every layer of one step of one rank. */
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
