import type { Command } from 'commander'
import { LIMIT_FLAGS, LOAD_KEYS } from './compare-options.js'

/** Flags that are no options of the library: texts may use their names in another sense. */
const COMMAND_ONLY = [
  'golden',
  'goldenPath',
  'myPath',
  'output',
  'report',
  'json',
  'cmpLevel',
  'layers',
  'token',
  'update',
]

/** How a text names all limits. */
const ALL_LIMITS = 'option thresholds'

/**
 * A line with the flags of the options that it writes as TypeScript does: `set decoding: 'greedy' (as a flag: --decoding
 * greedy)`. They follow at its end, and the line itself stays as it is, since it may quote the name of a file. An option
 * of one word without a value (the option run) is its flag.
 * @param command knows the flags; undefined if there is no such command
 */
export function withFlags(line: string, command: Command | undefined): string {
  const flags = new Map(command?.options.map((option) => [option.attributeName(), option.long!]))
  for (const name of COMMAND_ONLY) flags.delete(name)
  if (flags.size === 0) return line
  const found = new Set<string>()
  for (const { 1: name, 2: value, index } of line.matchAll(mentions([...flags.keys(), ALL_LIMITS]))) {
    const before = line.slice(0, index)
    if (name === ALL_LIMITS) for (const flag of LIMIT_FLAGS) found.add(flag)
    else if (value === undefined ? /[A-Z]/.test(name!) || NEEDED.test(before) : !isGiven(before, value)) {
      for (const flag of flagTexts(name!, value, before, flags)) found.add(flag)
    }
  }
  // A name, and then the name with its value.
  const list = [...found].filter((flag) => ![...found].some((other) => other.startsWith(`${flag} `)))
  return list.length === 0 ? line : `${line} (as ${list.length === 1 ? 'a flag' : 'flags'}: ${list.join(', ')})`
}

/** The places in a line that name an option, with its value if there is one: `decoding: 'forced'`, `vocabSize`. */
function mentions(names: readonly string[]): RegExp {
  const name = [...names].sort((a, b) => b.length - a.length).join('|')
  const value = String.raw`'[^']*'|\d+(?:\.\d+)?|true|\{[^{}]*\}|\[[^[\]]*\]`
  return new RegExp(String.raw`(?<![\w/\\.'-])(${name})(?:: (${value}))?(?![\w/\\'-]|\.\w)`, 'g')
}

/** What comes before a value that was given, and is no advice: `the option run: 'x' names none of them`, `(option run: 'x')`. */
const GIVEN = /\(option $|\bexcused by $|(?<!\b(?:with|by|in|set) )\bthe option $/

/** A note of what was allowed ends with `(identical: 'allow')`. */
function isGiven(before: string, value: string): boolean {
  return GIVEN.test(before) || (value === "'allow'" && before.endsWith('('))
}

/** What comes before the names of options that are needed. */
const NEEDED = /\bneeds (?:\w+, )*$/

/**
 * The side that an option of loading is for.
 * @param before what the line says before the option
 * @returns `both` for both sides; undefined if the line does not say
 */
function sideOf(before: string): string | undefined {
  const clause = before.split(/[;.] /).at(-1)!
  const asked = /\bload (?:the )?(golden|dump|baseline|both)\b/.exec(clause) ?? /\bgive (both)\b/.exec(clause)
  if (asked) return asked[1]
  const named = [...before.matchAll(/\bthe (golden|dump|baseline)\b|(?<![\w/\\.-])(golden|dump|baseline): /g)]
  const sides = new Set(named.map(({ 1: side, 2: label }) => side ?? label))
  return sides.size === 1 ? [...sides][0] : undefined
}

/** For an option of loading, the flag of its side: the plain flag would also change how the other side is read. */
function flagTexts(
  name: string,
  value: string | undefined,
  before: string,
  flags: ReadonlyMap<string, string>,
): string[] {
  const argument = value === undefined ? '' : argumentOf(value)
  const withArgument = (flag: string) => `${flag}${argument === '' ? '' : ` ${argument}`}`
  const flagOf = (side: string) => flags.get(`${side}${name[0]!.toUpperCase()}${name.slice(1)}`)
  const plain = withArgument(flags.get(name)!)
  const hasSides = LOAD_KEYS.includes(name) && flagOf('golden') !== undefined
  // Only a comparison of two sides takes several runs.
  if (name === 'run' && value === "'all'") return hasSides ? [plain] : []
  const side = hasSides ? sideOf(before) : 'both'
  if (side === 'both') return [plain]
  const sides = side === undefined ? ['golden', 'dump', 'baseline'] : [side]
  return sides.flatMap((one) => flagOf(one) ?? []).map(withArgument)
}

/** `'a b'`, `3`, `3-8` of `{ from: 3, to: 8 }`, `0,1` of `[0, 1]`; `''` of `true` */
function argumentOf(value: string): string {
  if (value === 'true') return ''
  if (value.startsWith("'")) {
    const text = value.slice(1, -1)
    if (/^[\w./,:@%+=-]+$/.test(text)) return text
    // The shells of Windows take double quotes only.
    return process.platform === 'win32' ? `"${text}"` : value
  }
  if (value.startsWith('[')) return value.replaceAll(/[[\]\s']/g, '')
  if (!value.startsWith('{')) return value
  const [from, to] = ['from', 'to'].map((name) => new RegExp(String.raw`\b${name}: (\d+)`).exec(value)?.[1])
  return from === undefined && to === undefined ? '' : `${from ?? 0}-${to ?? ''}`
}
