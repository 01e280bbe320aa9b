/** What decides where keys are: strings, brackets and commas. */
const TOKEN = /"(?:[^"\\]+|\\.)*"|[{}[\],]/gs

/**
 * The keys of the outermost object of a JSON text, in its order and with duplicates, neither of which `JSON.parse` keeps.
 * @param text valid JSON
 */
export function* topLevelKeys(text: string): Generator<string> {
  let depth = 0
  let expectsKey = false
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{' || token === '[') {
      depth++
      expectsKey = depth === 1 && token === '{'
    } else if (token === '}' || token === ']') depth--
    else if (token === ',') expectsKey = depth === 1
    else if (expectsKey && depth === 1) {
      expectsKey = false
      yield JSON.parse(token) as string
    }
  }
}

/**
 * The first key that an object of a JSON text has twice, at any depth: `JSON.parse` keeps the last of them.
 * @param text valid JSON
 */
export function repeatedKey(text: string): string | undefined {
  // The keys of an object, nothing of a list.
  const open: (Set<string> | undefined)[] = []
  let expectsKey = false
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{' || token === '[') open.push(token === '{' ? new Set() : undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (token !== ',' && expectsKey) {
      const key = JSON.parse(token) as string
      const keys = open.at(-1)!
      if (keys.has(key)) return key
      keys.add(key)
    }
    expectsKey = (token === '{' || token === ',') && open.at(-1) !== undefined
  }
  return undefined
}
