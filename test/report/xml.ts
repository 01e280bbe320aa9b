/** An element of XML. */
export interface Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: Element[]
  text: string
}

const ATTRIBUTE = /\s+([\w:.-]+)="([^"<]*)"/y

/** Reads XML strictly, independently of what wrote it. Throws for anything that is not well-formed. */
export function parseXml(xml: string): Element {
  const root: Element = { name: '', attributes: {}, children: [], text: '' }
  const open = [root]
  const token = /<\?xml [^?]*\?>|<(\/?)([\w:.-]+)((?:\s+[\w:.-]+="[^"<]*")*)\s*(\/?)>|([^<>]+)/y
  while (token.lastIndex < xml.length) {
    const at = token.lastIndex
    const match = token.exec(xml)
    if (!match) throw new Error(`no XML: ${xml.slice(at, at + 80)}`)
    const [, closes, name, attributes = '', isEmpty, text] = match
    const parent = open.at(-1)!
    if (text !== undefined) parent.text += decode(text)
    else if (closes) {
      if (parent.name !== name) throw new Error(`</${name}> closes <${parent.name}>`)
      open.pop()
    } else if (name !== undefined) {
      const element = { name, attributes: attributesOf(attributes), children: [], text: '' }
      parent.children.push(element)
      if (!isEmpty) open.push(element)
    }
  }
  if (open.length !== 1 || root.children.length !== 1) throw new Error('not one element')
  return root.children[0]!
}

function attributesOf(text: string): Record<string, string> {
  return Object.fromEntries(
    Array.from(text.matchAll(new RegExp(ATTRIBUTE.source, 'g')), ([, n, v]) => [n!, decode(v!)]),
  )
}

function decode(text: string): string {
  // Of the characters below space, XML 1.0 has these three alone.
  if (/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/.test(text)) throw new Error('a control character')
  const named: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }
  return text.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));?|&/gi, (whole, decimal, hex, name) => {
    if (!whole.endsWith(';')) throw new Error(`no reference: ${whole}`)
    if (name !== undefined) return named[name] ?? fail(whole)
    return String.fromCodePoint(decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal))
  })
}

function fail(text: string): never {
  throw new Error(`no reference: ${text}`)
}
