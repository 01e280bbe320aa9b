import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { tail } from '../lib/run.mjs'

/** Entries that register matchers with a runner, and the module of that runner. */
export const RUNNER_ENTRIES = { './vitest': 'vitest', './jest': '@jest/globals', './browser': 'vitest' }

const nameOf = (entry) => `golden-logits${entry.slice(1)}`

/** Runs a module that ends by printing JSON. */
async function printed(project, code, kind) {
  const file = `entry.${kind}`
  project.write(file, code)
  const { code: status, out, err } = await project.node([file])
  equal(status, 0, tail(out + err))
  return JSON.parse(out)
}

/** Each entry that needs no runner exports the same names to `import` and to `require`. */
export async function checkEntries(project, entries) {
  const names = Object.fromEntries(entries.map((entry) => [entry, nameOf(entry)]))
  const collect = (load) => `
    const exported = {}
    for (const [entry, name] of Object.entries(${JSON.stringify(names)})) {
      exported[entry] = Object.keys(${load}).filter((key) => key !== '__esModule' && key !== 'module.exports').sort()
    }
    console.log(JSON.stringify(exported))`
  const esm = await printed(project, collect('await import(name)'), 'mjs')
  const cjs = await printed(project, collect('require(name)'), 'cjs')
  deepEqual(esm, cjs, 'import and require give the same names')
  ok(
    entries.every((entry) => esm[entry].length > 0),
    'every entry exports something',
  )
  return entries.map((entry) => `${entry} (${esm[entry].length})`).join(' ')
}

/** Without the runner, its entry fails at once and names the missing package. */
export async function checkMissingRunner(project, entry) {
  for (const [kind, code] of [
    ['mjs', `import '${nameOf(entry)}'`],
    ['cjs', `require('${nameOf(entry)}')`],
  ]) {
    project.write(`missing.${kind}`, code)
    const { code: status, err } = await project.node([`missing.${kind}`])
    equal(status, 1, `${kind}: it loads`)
    match(
      err,
      new RegExp(`(?:Cannot find (?:package|module)|must not|Do not import) .*${RUNNER_ENTRIES[entry]}`),
      tail(err),
    )
  }
}

/** ES modules and CommonJS in one process: each accepts the dumps and errors of the other. */
export async function checkDuality(project) {
  project.write(
    'duality.mjs',
    `
    import assert from 'node:assert/strict'
    import { createRequire } from 'node:module'
    import * as esm from 'golden-logits'
    import { matchers } from 'golden-logits/matchers'
    const require = createRequire(import.meta.url)
    const cjs = require('golden-logits')
    assert.notEqual(esm.loadDump, cjs.loadDump)
    const [golden, good, bad] = ['gpu', 'npu', 'npu-degraded'].map((name) => 'dumps/' + name)
    for (const [left, right] of [[esm, cjs], [cjs, esm]]) {
      assert.equal(left.compareDumps(right.loadDump(good), right.loadDump(golden), { dtype: 'bf16' }).pass, true)
      assert.equal(left.compareDumps(right.loadDump(bad), right.loadDump(golden), { dtype: 'bf16' }).firstFailure.step, 3)
    }
    assert.equal(matchers.toMatchGoldenLogits.call({}, cjs.loadDump(bad), cjs.loadDump(golden), { dtype: 'bf16' }).pass, false)
    const refused = (half) => { try { half.loadDump('nowhere') } catch (error) { return error } }
    assert.ok(refused(esm) instanceof esm.GoldenLogitsError && refused(cjs) instanceof cjs.GoldenLogitsError)
    assert.deepEqual({ ...refused(esm), message: refused(esm).message }, { ...refused(cjs), message: refused(cjs).message })
    `,
  )
  const { code, out, err } = await project.node(['duality.mjs'])
  equal(code, 0, tail(out + err))
}

/** The packages whose modules a script loads, by `import` or by `require`. */
export async function packagesLoadedBy(project, script) {
  project.write(
    'trace.mjs',
    `
    import { createRequire, register } from 'node:module'
    import { writeSync } from 'node:fs'
    register('data:text/javascript,' + encodeURIComponent(\`
      import { writeSync } from 'node:fs'
      export const load = (url, context, next) => {
        writeSync(1, url + '\\\\n')
        return next(url, context)
      }\`))
    await import('./traced.mjs')
    for (const file of Object.keys(createRequire(import.meta.url).cache)) writeSync(1, file + '\\n')
    `,
  )
  project.write('traced.mjs', script)
  const { code, out, err } = await project.node(['trace.mjs'])
  equal(code, 0, tail(err))
  const names = [...out.matchAll(/^.*[\\/]node_modules[\\/]((?:@[^\\/\n]+[\\/])?[^\\/\n]+)/gm)].map(([, name]) => name)
  return new Set(names.map((name) => name.replace('\\', '/')))
}

/** The packages that npm installed, scoped ones included. */
export function packagesIn(project) {
  return readdirSync(project.path('node_modules')).flatMap((name) =>
    name.startsWith('@')
      ? readdirSync(project.path('node_modules', name)).map((inner) => `${name}/${inner}`)
      : name.startsWith('.')
        ? []
        : [name],
  )
}
