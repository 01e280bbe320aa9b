/** The one-dash flags of `msit llm`, which no parser of ours knows: a closed list, rewritten before parsing. */
const OLD_FLAGS: Readonly<Record<string, string>> = {
  '-gp': '--golden-path',
  '-mp': '--my-path',
  '-cs': '--cosine-similarity',
  '-kl': '--kl-divergence',
  '-l1': '--l1-norm',
  '-cl': '--cmp-level',
  '-mf': '--op-mapping-file',
  '-alg': '--custom-algorithms',
  '-st': '--stats',
}

/** `-gp DUMP` and `-gp=DUMP` become `--golden-path DUMP`. What follows `--` is left as it is. */
export function rewriteOldFlags(args: readonly string[]): string[] {
  const end = args.indexOf('--')
  return args.flatMap((arg, index) => {
    if (end >= 0 && index >= end) return [arg]
    const [flag, ...value] = arg.split('=')
    const name = Object.hasOwn(OLD_FLAGS, flag!) ? OLD_FLAGS[flag!]! : undefined
    if (name === undefined) return [arg]
    return value.length === 0 ? [name] : [name, value.join('=')]
  })
}
