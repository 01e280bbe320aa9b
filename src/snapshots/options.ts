import { COMPARE_OPTIONS, type CompareOptions } from '../compare/options.js'
import { describeValue, invalidArgument, printable } from '../errors.js'
import { checkObject, choice, flag, nonEmptyString, wholeNumber } from '../lib/check-options.js'
import type { Fidelity, Provenance } from './types.js'

/** Options of `toMatchLogitsSnapshot`: the options of a comparison, and how the snapshot is named and stored. */
export interface SnapshotOptions extends CompareOptions {
  /**
   * What a new snapshot keeps. `full` (the default): every logit, losslessly, in a compressed `.npz` file, so that every
   * verdict is exact. `compact`: 1 kB a token in the text file. It bounds KL divergence and cosine similarity; if a
   * limit lies between the bounds, the verdict is `undecided`, which fails.
   */
  fidelity?: Fidelity
  /** Number of vocab ids that a compact snapshot lists for each row, the most probable ones. Default 64. */
  k?: number
  /** Names the snapshot, instead of the test's name. All calls in a test file with the same name share one snapshot. */
  name?: string
  /**
   * Separate snapshots for some machines: the variant of this one, or several, most specific first. The first one that
   * exists is used, the one without a variant last; a new snapshot is written for the first of the list.
   */
  variant?: string | readonly string[]
  /**
   * What the logits come from (`model`, `revision`, `device`, `seed` …): stored in the snapshot, and compared with it. Another
   * `model` or `vocabulary` than the snapshot's is an error, any other difference a note.
   */
  provenance?: Readonly<Record<string, string | number | boolean>>
  /**
   * Whether an update (`-u`) also replaces a snapshot that the dump matches, but not exactly. Default false: an update
   * replaces only what does not match, or has another provenance.
   */
  updatePassing?: boolean
}

/** The options of snapshots, checked, with their defaults; the options of the comparison are separate. */
export interface SnapshotSettings {
  readonly compare: CompareOptions
  /** Undefined if the caller does not set it. */
  readonly fidelity: Fidelity | undefined
  readonly k: number
  readonly name: string | undefined
  readonly variants: readonly string[]
  readonly provenance: Provenance
  readonly updatePassing: boolean
}

const ALLOWED = [...COMPARE_OPTIONS, 'fidelity', 'k', 'name', 'variant', 'provenance', 'updatePassing']

/** @throws GoldenLogitsError `invalid-argument` */
export function checkSnapshotOptions(options: SnapshotOptions = {}): SnapshotSettings {
  const checked = checkObject<SnapshotOptions>('the options', options, ALLOWED, "{ dtype: 'bf16' }")
  const { fidelity, k, name, variant, provenance = {}, updatePassing, ...compare } = checked
  if (compare.baseline !== undefined) {
    throw invalidArgument('baseline needs a golden dump: use toMatchGoldenLogits, or leave baseline out')
  }
  if (fidelity !== undefined) choice('fidelity', fidelity, ['full', 'compact'])
  const listed = wholeNumber('k', k, 1, 65_536)
  if (listed !== undefined && fidelity !== 'compact') {
    throw invalidArgument("k counts the ids that a compact snapshot lists: set fidelity: 'compact', or leave k out")
  }
  const variants: readonly unknown[] = variant === undefined ? [] : Array.isArray(variant) ? variant : [variant]
  if (Array.isArray(variant) && variant.length === 0) {
    throw invalidArgument(
      'variant must name at least one variant, got an empty list: leave it out for a snapshot without variants',
    )
  }
  // Part of a file name: no dots, and nothing that a case-insensitive file system treats as equal.
  const wrong = variants.find((v) => typeof v !== 'string' || !/^[a-z0-9][a-z0-9_-]{0,39}$/.test(v))
  if (wrong !== undefined) {
    throw invalidArgument(
      `a variant must be up to 40 lower-case letters, digits, - or _, such as 'npu-910b', got ${describeValue(wrong)}`,
    )
  }
  return {
    compare,
    fidelity,
    k: listed ?? 64,
    name: nonEmptyString('name', name),
    variants: variants as string[],
    provenance: checkProvenance(provenance),
    updatePassing: flag('updatePassing', updatePassing),
  }
}

function checkProvenance(provenance: unknown): Provenance {
  if (typeof provenance !== 'object' || provenance === null || Array.isArray(provenance)) {
    throw invalidArgument(
      `provenance must be an object such as { model: 'Qwen/Qwen3-8B' }, got ${describeValue(provenance)}`,
    )
  }
  const strings: [string, string][] = []
  for (const [key, value] of Object.entries(provenance)) {
    if (!['string', 'number', 'boolean'].includes(typeof value)) {
      throw invalidArgument(
        `provenance.${printable(key, 40)} must be a string, a number or a boolean, got ${describeValue(value)}`,
      )
    }
    // These are lines of a file that people read.
    if (key.length > 100 || String(value).length > 1000)
      throw invalidArgument(`provenance.${printable(key, 40)} is too long`)
    strings.push([key, String(value)])
  }
  return Object.fromEntries(strings)
}
