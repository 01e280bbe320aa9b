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
    if (name === ALL_LIMITS) for (const flag of LIMIT_FLAGS) found.add(flag)
    else if (value !== undefined || /[A-Z]/.test(name!)) {
      found.add(flagText(name!, value, sideOf(line.slice(0, index)), flags))
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
  return new RegExp(String.raw`(?<![\w/.'-])(${name})(?:: (${value}))?(?![\w/'-])`, 'g')
}

/** The side that a note, or the clause that ends with this text, is about: `note: dump: …`, `load the golden with …`. */
function sideOf(text: string): string | undefined {
  const clause = text.split(/[;.] /).at(-1)!
  const named =
    /\bload the (golden|dump|baseline) with\b/.exec(clause) ??
    /^\s*(?:note|warning): (golden|dump|baseline): /.exec(text)
  return named?.[1]
}

function flagText(
  name: string,
  value: string | undefined,
  side: string | undefined,
  flags: ReadonlyMap<string, string>,
): string {
  const isOfSide = side !== undefined && LOAD_KEYS.includes(name)
  const ofSide = isOfSide ? flags.get(`${side}${name[0]!.toUpperCase()}${name.slice(1)}`) : undefined
  const argument = value === undefined ? '' : argumentOf(value)
  return `${ofSide ?? flags.get(name)}${argument === '' ? '' : ` ${argument}`}`
}

/** `'a b'`, `3`, `3-8` of `{ from: 3, to: 8 }`, `0,1` of `[0, 1]`; `''` of `true` */
function argumentOf(value: string): string {
  if (value === 'true') return ''
  if (value.startsWith("'")) return /^'[\w./,:@%+=-]+'$/.test(value) ? value.slice(1, -1) : value
  if (value.startsWith('[')) return value.replaceAll(/[[\]\s']/g, '')
  if (!value.startsWith('{')) return value
  const [from, to] = ['from', 'to'].map((name) => new RegExp(String.raw`\b${name}: (\d+)`).exec(value)?.[1])
  return from === undefined && to === undefined ? '' : `${from ?? 0}-${to ?? ''}`
}
