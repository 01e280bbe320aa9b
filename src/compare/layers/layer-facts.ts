/** What a comparison of layers knows of one layer, as plain data: reports draw it. */
export interface LayerFacts {
  /** The golden's name of the layer, or the dump's if the golden has none. */
  readonly name: string
  readonly type?: string
  /** Medians over the positions that were used of ‖dump − golden‖ / ‖golden‖. Absent if the layer was not measured. */
  readonly outputError?: number
  /** Absent if no input is at hand. */
  readonly inputError?: number
  /** The output error that rounding alone makes, and where it is known from. */
  readonly naturalError?: number
  readonly naturalFrom?: 'floor' | 'kind'
  /** ‖dump‖ / ‖golden‖ */
  readonly normRatio?: number
  /** Number of positions that were used. */
  readonly positions?: number
  /** The rule that named this layer as the first that diverges. */
  readonly rule?: string
}
