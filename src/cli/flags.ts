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

const WEIGHT = 'compare reads logits; compare --layers --checkpoint takes weights'
const LOG_LEVEL = 'leave it out'
/** Flags of `msit llm compare` and `logitscmp` that mean nothing here, and what to do instead. */
const GONE_FLAGS: Readonly<Record<string, string>> = {
  '--op-mapping-file': 'compare --layers --token N pairs layers by name, and --mapping names the other pairs',
  '--custom-algorithms': 'no code of yours is run; compare --metrics names more metrics',
  '--stats': 'every report holds the statistics of each row; compare reads tensors',
  '--weight': WEIGHT,
  '-w': WEIGHT,
  '--log-level': LOG_LEVEL,
  '-l': LOG_LEVEL,
}

/** @returns what to say about a flag of the old tool; undefined for any other */
export function goneFlagAdvice(flag: string): string | undefined {
  return Object.hasOwn(GONE_FLAGS, flag) ? `${flag} of msit llm is not supported: ${GONE_FLAGS[flag]}` : undefined
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
