import type { Layer } from '../../dumps/layers/index.js'
import { fusedNamed } from '../../measure/layers/fused.js'
import { DOWN, GATE, KEY, lastPart, OUTPUT, parentOf, QUERY, UP, VALUE } from './names.js'

/** What the layers inside one decoder layer do. Lists are in the order of execution. */
interface BlockRoles {
  /** Norms before the projections of the attention; between it and the feed-forward part; after that. */
  readonly norms: readonly [before: readonly Layer[], between: readonly Layer[], after: readonly Layer[]]
  /** q, k and v; or one fused projection. */
  readonly projections: readonly Layer[]
  /** The attention itself, which reads q, k and v. */
  readonly core?: Layer | undefined
  readonly output?: Layer | undefined
  /** Everything from the projections to the output projection. */
  readonly attention?: Layer | undefined
  /** The sum of the attention and the stream that went by it, which the next norm reads. */
  readonly residual?: Layer | undefined
  /** gate and up; or one projection: both fused, or that of a model without a gate. */
  readonly inner: readonly Layer[]
  readonly activation?: Layer | undefined
  /** What the down projection reads: the product of gate and up. */
  readonly product?: Layer | undefined
  readonly down?: Layer | undefined
  /** Everything of the feed-forward part. */
  readonly feedForward?: Layer | undefined
}

/** The up projection of a feed-forward part without a gate. */
const ONLY_UP = /^(?:fc1|c_fc|dense_h_to_4h)$/i
const NORM = /norm|^ln_?\d?/i
const ACTIVATION = /^act/i

/** An activation that multiplies by up, too, as `SiluAndMul` of vLLM. */
export function multiplies({ type = '' }: Layer): boolean {
  return /AndMul/i.test(type)
}

/**
 * The roles of the modules of a decoder layer, by the names that models of this field share.
 * @param block the modules inside, in the order in which they ended
 * @returns undefined if they do not name one attention and one feed-forward part
 */
export function moduleRoles(block: readonly Layer[]): BlockRoles | undefined {
  const find = (pattern: RegExp, parent?: string) =>
    block.find(({ name }) => pattern.test(lastPart(name)) && (parent === undefined || parentOf(name) === parent))
  const fusedQkv = block.find(({ name }) => fusedNamed(name) === 'qkv')
  const projections = fusedQkv
    ? [fusedQkv]
    : [find(QUERY), find(KEY), find(VALUE)].filter((layer) => layer !== undefined)
  if (projections.length === 0) return undefined
  const attentionName = parentOf(projections[0]!.name)
  const rest = block.filter(({ name }) => !name.startsWith(attentionName))
  const down = rest.find(({ name }) => DOWN.test(lastPart(name)))
  if (!down) return undefined
  const parent = parentOf(down.name)
  const fusedInner = rest.find(({ name }) => fusedNamed(name) === 'gate-up')
  const inner = fusedInner
    ? [fusedInner]
    : [find(GATE, parent), find(UP, parent) ?? find(ONLY_UP, parent)].filter((layer) => layer !== undefined)
  const norms = rest.filter(({ name }) => NORM.test(lastPart(name)))
  const activation = find(ACTIVATION, parent)
  return {
    norms: partedBy(block, norms, [projections[0]!, inner[0] ?? down, down]),
    projections,
    output: find(OUTPUT, attentionName),
    attention: block.find(({ name }) => `${name}.` === attentionName),
    inner,
    ...(activation && (multiplies(activation) ? { product: activation } : { activation })),
    down,
    feedForward: block.find(({ name }) => `${name}.` === parent),
  }
}

/** Norms before the first of three layers, between it and the second, and behind the third. */
function partedBy(
  block: readonly Layer[],
  norms: readonly Layer[],
  layers: readonly [Layer, Layer, Layer],
): BlockRoles['norms'] {
  const [first, second, third] = layers.map((layer) => block.indexOf(layer)) as [number, number, number]
  const between = (from: number, to: number) =>
    norms.filter((norm) => block.indexOf(norm) >= from && block.indexOf(norm) < to)
  return [between(0, first), between(first, second), between(third, block.length)]
}

/**
 * The roles of the operations of a decoder layer of ATB, by their types and their order.
 * @param block the operations inside, in the order in which they ended
 * @returns undefined if there is not one attention, with projections before it and linear operations behind it
 */
export function operationRoles(block: readonly Layer[]): BlockRoles | undefined {
  const leaves = block.filter(({ name }) => !block.some((other) => other.name.startsWith(`${name}/`)))
  const ofType = (pattern: RegExp) => leaves.filter((leaf) => pattern.test(leaf.type ?? ''))
  const cores = ofType(/attention/i)
  const linears = ofType(/linear|matmul/i)
  const norms = ofType(/norm/i).filter((leaf) => !linears.includes(leaf))
  const place = (leaf: Layer) => leaves.indexOf(leaf)
  const [core] = cores
  const output = core && linears.find((linear) => place(linear) > place(core))
  const down = linears.at(-1)
  if (!core || cores.length > 1 || !output || !down || down === output) return undefined
  const projections = linears.filter((linear) => place(linear) < place(core))
  const inner = linears.filter((linear) => place(linear) > place(output) && linear !== down)
  const first = projections[0]
  const next = inner[0]
  if (!first || !next) return undefined
  // Norms of q and k come behind the projections.
  const outer = norms.filter((norm) => place(norm) < place(first) || place(norm) > place(output))
  const activations = ofType(/activation|swi?glu|silu|gelu|swish/i)
  const parted = partedBy(leaves, outer, [first, next, down])
  const before = (leaf: Layer | undefined, type: RegExp) => {
    const previous = leaf && leaves[place(leaf) - 1]
    return previous && type.test(previous.type ?? '') ? previous : undefined
  }
  // An activation right before the down projection holds the product, too.
  const product = before(down, /elewise|mul|activation|swi?glu/i)
  return {
    norms: parted,
    residual: before(parted[1][0], /elewise|add/i),
    product,
    projections,
    core,
    output,
    attention: around(block, output, down),
    inner,
    activation: activations.length === 1 && activations[0] !== product ? activations[0] : undefined,
    down,
    feedForward: around(block, down, core),
  }
}

/** The outermost operation that contains one and not the other. */
function around(block: readonly Layer[], inside: Layer, outside: Layer): Layer | undefined {
  const containers = block.filter(
    ({ name }) => inside.name.startsWith(`${name}/`) && !outside.name.startsWith(`${name}/`),
  )
  return containers.sort((a, b) => a.name.length - b.name.length)[0]
}
